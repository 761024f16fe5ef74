"""A page's first picture before all else on it."""

from explorer.first_picture.first_picture import drawn, wait_for

__all__ = ["drawn", "wait_for"]
