"""What the pages share: the database, the texts, the charts and the frame around every page. Never imports torch."""
