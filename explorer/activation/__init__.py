"""The page on activation functions, part by part."""
