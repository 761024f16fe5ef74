"""Where a line breaks: at a place that has no value, which gets a row of its own, or a line or a band would reach over it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def at_places(
    rows: Iterable[Mapping[str, Any]], names: Sequence[str], places: Iterable[tuple[Any, ...]], values: Sequence[str]
) -> list[dict[str, Any]]:
    """A row for each of `places`, in their order, a place being the values of `names`: the row given there, or one whose `values` are None."""
    at = {tuple(row[name] for name in names): dict(row) for row in rows}
    return [at.get(place) or dict(zip(names, place, strict=True)) | dict.fromkeys(values) for place in places]
