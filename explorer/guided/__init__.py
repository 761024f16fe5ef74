"""Steps that lead through one picture, for a reader as sentences with buttons, before an audience by the keys; and guesses."""

from explorer.guided.guided import Step, ask, guessed, presented, reveal, show

__all__ = ["Step", "ask", "guessed", "presented", "reveal", "show"]
