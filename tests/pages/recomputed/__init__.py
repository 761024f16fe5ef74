"""The measured parts of the claims once more, from the tables of single runs, in plain Python and whole numbers of examples.

Written from the rules as the schema and the texts state them, and with nothing of precompute: what the two have in common is the data.
"""

from tests.pages.recomputed.activation import activation
from tests.pages.recomputed.batch_norm import batch_norm
from tests.pages.recomputed.batch_size import batch_size
from tests.pages.recomputed.depth import depth
from tests.pages.recomputed.generalization import double_descent, more_data, weight_decay
from tests.pages.recomputed.study import Everywhere, Found, Study
from tests.pages.recomputed.wiring import wiring

OF_QUESTIONS = {
    "activation": activation, "batch_norm": batch_norm, "batch_size": batch_size, "depth": depth, "wiring": wiring,
}  # fmt: skip


def claims_of(study: Study, question: str, name: str) -> dict[str, dict[str, Found]]:
    """claim -> quantity -> what was found, or a list of it where a quantity is measured at several budgets; of one study."""
    if question != "generalization":
        return OF_QUESTIONS[question](study)
    if "sample_wise" in name:
        return more_data(study)
    if "regularization" in name:
        return weight_decay(study)
    return double_descent(study)


__all__ = ["Everywhere", "Study", "claims_of"]
