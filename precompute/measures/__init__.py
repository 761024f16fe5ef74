"""What is measured of a network besides its errors."""
