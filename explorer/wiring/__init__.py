"""The page on wiring: its controls, sentences, pictures and sections."""
