"""What the measurements show: intervals, landmarks, ablations and claims, from arrays and the rows of runs.

NumPy and SciPy only, and NetworkX for the graphs of `families`."""

from precompute.evidence.claims import all_claims, study_claims, study_contrasts
from precompute.evidence.grid import MapGrid, StudyResults
from precompute.evidence.intervals import configuration_intervals, paired_difference, t_interval
from precompute.evidence.landmarks import landmarks

__all__ = [
    "MapGrid",
    "StudyResults",
    "all_claims",
    "configuration_intervals",
    "landmarks",
    "paired_difference",
    "study_claims",
    "study_contrasts",
    "t_interval",
]
