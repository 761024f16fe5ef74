"""The player of the map: sliders over the sampled epochs and widths, and a play-through over the epochs."""

from explorer import format
from explorer import player as players
from explorer.charts import names
from explorer.charts.linked_map import round_epochs
from explorer.results.generalization import Axes
from explorer.text import t

FRAME_MS = 110  # one epoch of the play-through; the chart redraws in a fraction of it


def player(chart: str, axes: Axes) -> None:
    """Draws the player for the linked map whose element key is `chart`."""
    moment = names.clock_word(axes)
    words = {name: t(f"generalization.player.{name}", moment=moment) for name in ("back", "forward")}
    widths = [
        t(f"generalization.x.{axes.unit}.value", value=format.count(width), parameters=format.count(n))
        for width, n in zip(axes.widths, axes.parameters, strict=True)
    ]
    players.player(
        "generalization.player", chart, words=words | {"group": t("generalization.player.group")}, frame_ms=FRAME_MS,
        played=players.Slider("cell_e", names.clock_name(axes), [format.count(epoch) for epoch in axes.epochs]),
        calm_places=round_epochs(axes), beside=players.Slider("cell_w", names.x_name(axes), widths),
        trail=players.Input("trail", t("generalization.player.trail", moment=moment)),
    )  # fmt: skip
