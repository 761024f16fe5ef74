"""The page on batch normalization: its controls, sentences, pictures and sections."""
