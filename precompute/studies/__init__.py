"""The studies: one file per question. Each declares its grids, its models and how they train."""

from precompute.studies import double_descent
from precompute.studies.study import Study

STUDIES: dict[str, Study] = {study.name: study for study in double_descent.ALL}

__all__ = ["STUDIES", "Study"]
