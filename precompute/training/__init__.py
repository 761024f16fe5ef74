"""Training loops. Each takes specifications that train together and returns one finished run per specification."""
