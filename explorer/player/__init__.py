"""Playing through a chart in the browser: a slider that plays, steps and scrubs, driving the chart's own inputs."""

from explorer.player.player import Input, Slider, player

__all__ = ["Input", "Slider", "player"]
