"""What the runs of a question say at first sight, for other pages to quote: the title, the subtitle and the picture of its page as that opens."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from explorer.activation import controls as activation_controls
from explorer.activation import strip
from explorer.batch_norm import controls as batch_norm_controls
from explorer.batch_norm import picture as batch_norm_picture
from explorer.batch_norm import sentences as batch_norm_sentences
from explorer.batch_size import controls as batch_size_controls
from explorer.batch_size import picture as batch_size_picture
from explorer.batch_size import sentences as batch_size_sentences
from explorer.depth import picture as depth_picture
from explorer.depth import sentences as depth_sentences
from explorer.results import batch_norm, batch_size, depth, wiring
from explorer.results.depth import View
from explorer.text import t
from explorer.wiring import picture as wiring_picture
from explorer.wiring import sentences as wiring_sentences


class Finding(NamedTuple):
    """The study that it is about, and a sentence; what draws it in little, and what that shows: measure, data, networks, seeds, signs."""

    study: str
    sentence: str
    draw: Callable[[], None]
    shown: str


def of(question: str) -> Finding | None:
    """The finding of a question; None while it has no run, or where its page's title is the question itself."""
    finding = OF_QUESTION[question]() if question in OF_QUESTION else None
    return None if finding is None or finding.sentence == t(f"site.question.{question}") else finding


def _activation() -> Finding | None:
    place = activation_controls.first_place()
    return place and Finding(place.study, strip.title(place), partial(strip.small, place), strip.subtitle(place))


def _depth() -> Finding | None:
    study = next(iter(depth.studies()), None)
    if study is None:
        return None
    view = View(study, depth.norms(study)[0])
    draw = partial(depth_picture.small, view)
    return Finding(study.name, depth_sentences.title(view), draw, depth_sentences.subtitle(view))


def _batch_norm() -> Finding | None:
    study = next(iter(batch_norm.studies()), None)
    if study is None:
        return None
    first = batch_norm_controls.first(study)
    shown = f"{batch_norm_sentences.subtitle(first)} {t(f'batch_norm.small.{study.kind}')}"
    return Finding(study.name, batch_norm_sentences.title(study), partial(batch_norm_picture.small, first), shown)


def _batch_size() -> Finding | None:
    study = next(iter(batch_size.studies()), None)
    if study is None:
        return None
    first = batch_size_controls.first(study)
    shown = f"{batch_size_sentences.subtitle(first)} {batch_size_sentences.lines(first)}"
    return Finding(study.name, batch_size_sentences.title(first), partial(batch_size_picture.small, first), shown)


def _wiring() -> Finding | None:
    study = next(iter(wiring.studies()), None)
    if study is None:
        return None
    shown = f"{wiring_sentences.subtitle(study)} {t('wiring.small')}"
    return Finding(study.name, wiring_sentences.title(study), partial(wiring_picture.small, study), shown)


OF_QUESTION = {
    "activation": _activation,
    "depth": _depth,
    "batch_norm": _batch_norm,
    "batch_size": _batch_size,
    "wiring": _wiring,
}
