"""Statements that anybody may send: each runs in a process of its own (`child.py`), which `ask.py` starts, feeds, limits and ends."""
