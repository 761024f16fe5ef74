"""What the page on generalization is made of: controls, the player, sentences read from the data, and one module per group of sections."""
