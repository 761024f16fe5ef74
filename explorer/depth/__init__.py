"""The page on the number of layers: its controls, sentences, pictures and sections."""
