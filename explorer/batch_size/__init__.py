"""The page on batch size: how many steps a larger batch saves, and until where."""
