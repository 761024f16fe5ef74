"""What can be taken away from one picture: the picture with its source inside, its rows, its statement, and its links."""

from explorer.take_away.take_away import take_away

__all__ = ["take_away"]
