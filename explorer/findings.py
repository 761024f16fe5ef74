"""What the runs of a question say in one sentence: the title that its page has on the first view, for other pages to quote."""

from typing import NamedTuple

from explorer.activation import controls as activation_controls
from explorer.activation import strip
from explorer.batch_norm import sentences as batch_norm_sentences
from explorer.batch_size import sentences as batch_size_sentences
from explorer.depth import sentences as depth_sentences
from explorer.results import batch_norm, batch_size, depth, wiring
from explorer.results.depth import View
from explorer.text import t
from explorer.wiring import sentences as wiring_sentences


class Finding(NamedTuple):
    """A sentence, and the study that it is about."""

    study: str
    sentence: str


def of(question: str) -> Finding | None:
    """The finding of a question; None while it has no run, or where its page's title is the question itself."""
    finding = OF_QUESTION[question]() if question in OF_QUESTION else None
    return None if finding is None or finding.sentence == t(f"site.question.{question}") else finding


def _activation() -> Finding | None:
    place = activation_controls.first_place()
    return place and Finding(place.study, strip.title(place))


def _depth() -> Finding | None:
    study = next(iter(depth.studies()), None)
    return study and Finding(study.name, depth_sentences.title(View(study, depth.norms(study)[0])))


def _batch_norm() -> Finding | None:
    study = next(iter(batch_norm.studies()), None)
    return study and Finding(study.name, batch_norm_sentences.title(study))


def _batch_size() -> Finding | None:
    study = next(iter(batch_size.studies()), None)
    return study and Finding(study.name, batch_size_sentences.title(study))


def _wiring() -> Finding | None:
    study = next(iter(wiring.studies()), None)
    return study and Finding(study.name, wiring_sentences.title(study))


OF_QUESTION = {
    "activation": _activation,
    "depth": _depth,
    "batch_norm": _batch_norm,
    "batch_size": _batch_size,
    "wiring": _wiring,
}
