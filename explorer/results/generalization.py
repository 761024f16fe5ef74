"""Double descent: the studies of the question, their maps and axes, and the landmarks of a map, as the results file holds them.

A map is everything that shares all settings but the one along x. Errors and the gap are fractions, losses as in `Study.loss`; intervals are
read from the table `intervals`, never made here. What a single cell holds is in results.cells.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from explorer.database import query

QUESTION = "generalization"
STUDIES = (
    "mnist_mlp", "cifar10_cnn_small", "cifar10_cnn", "cifar10_resnet18", "random_features", "sample_wise", "regularization",
)  # in the order offered  # fmt: skip
NOT_HELD_AGAINST_PUBLISHED = ("random_features", "sample_wise", "regularization")
STUDY = "double_descent/mnist_mlp"  # whose finding is the question's own
A_RISE = 1  # point of test error, the smallest that the claims call one
NOISE = 0.2  # the label noise of a study's finding, where it was run

# What the colour of the map may show, and the pair of curves that its slices show: solid, and dashed where there is one.
PAIRS = {
    "test": ("test_error", "train_error"),
    "train": ("test_error", "train_error"),
    "gap": ("gap", None),
    "loss": ("test_loss", "train_loss"),
}
COLOURED = {"test": "test_error", "train": "train_error", "gap": "gap", "loss": "test_loss"}
VARIANTS = (
    "n_train",
    "epochs",
    "weight_decay",
    "augment",
)  # the order in which settings that tell maps apart are named


@dataclass(frozen=True)
class Study:
    """One grid of runs. `x` names the setting along the maps' abscissa (width, features), `clock` what the column epoch counts (epoch,
    time), `loss` is cross_entropy or squared_error."""

    name: str
    x: str
    clock: str
    loss: str

    @property
    def code(self) -> str:
        """Its name in the address and in the texts: what stands behind the slash."""
        return self.name.partition("/")[2]

    @property
    def unit(self) -> str:
        """What an x value counts: hidden units, channels of the first convolution, or features."""
        return "features" if self.x == "features" else "channels" if "cifar10" in self.code else "units"


@dataclass(frozen=True)
class Map:
    """One map of a study: its key in this file, its label noise, and the other settings in which maps of the study differ."""

    key: int
    study: Study
    noise: float
    variant: tuple[tuple[str, Any], ...] = ()

    @property
    def code(self) -> str:
        """The variant in the address: its values in order, "" where the study's maps differ in label noise alone."""
        return "-".join(f"{value:g}" if isinstance(value, float) else str(value) for _, value in self.variant)


class Axes(NamedTuple):
    """The sampled values along both axes of a map, in order, and the seeds; positions in these lists are the indices. `widths` are the
    values of the setting `x` whatever its name is, `epochs` those of the `clock`."""

    widths: list[int]
    parameters: list[int]
    epochs: list[int]
    seeds: list[int]
    x: str = "width"
    unit: str = "units"
    clock: str = "epoch"
    loss: str = "cross_entropy"


def studies() -> list[Study]:
    """The studies of the question with at least one complete run, in the order in which they are offered."""
    rows = query(
        "SELECT study, x_axis, clock, loss FROM studies WHERE question = $question AND complete > 0",
        {"question": QUESTION},
    )
    found = [Study(row["study"], row["x_axis"], row["clock"], row["loss"]) for row in rows.to_pylist()]
    return sorted((study for study in found if study.code in STUDIES), key=lambda study: STUDIES.index(study.code))


def maps(study: Study) -> list[Map]:
    """The maps of a study with at least one complete run, by variant, then by label noise."""
    rows = query(
        """
        SELECT map, settings::VARCHAR AS settings FROM maps m
        WHERE study = $study AND map IN (SELECT c.map FROM configurations c JOIN runs r USING (configuration) WHERE r.status = 'complete')
        """,
        {"study": study.name},
    ).to_pylist()
    found = [(row["map"], json.loads(row["settings"])) for row in rows]
    apart = [name for name in VARIANTS if len({settings[name] for _, settings in found if name in settings}) > 1]
    of_study = [
        Map(key, study, settings["label_noise"], tuple((name, settings[name]) for name in apart))
        for key, settings in found
    ]
    return sorted(of_study, key=lambda each: ([value for _, value in each.variant], each.noise))


def finding(maps: list[Map]) -> Map:
    """The map that the title speaks of: 20% label noise or the highest there is, in the variant nearest to the main study's settings."""
    main = query("SELECT settings::VARCHAR AS settings FROM maps WHERE study = $study LIMIT 1", {"study": STUDY})
    usual = json.loads(main["settings"][0].as_py()) if main.num_rows else {}

    def likeness(each: Map) -> int:
        return sum(usual.get(name) == value for name, value in each.variant)

    nearest = max(maps, key=likeness).variant
    return noisiest([each for each in maps if each.variant == nearest])


def noisiest(maps: list[Map]) -> Map:
    """Of maps that differ in label noise alone: that with 20%, or with the most."""
    return next((each for each in maps if each.noise == NOISE), maps[-1])


def main_maps() -> list[Map]:
    """The maps of the study whose finding is the question's own; empty as long as it has no complete run."""
    return next((maps(study) for study in studies() if study.name == STUDY), [])


def beside_published(study: Study) -> list[Map]:
    """The maps that are held against published networks, which differ in label noise alone: those of a study of trained networks, in the
    variant of its finding. One that varies the examples or the decay, and the theory, leave that to the main study."""
    if study.code in NOT_HELD_AGAINST_PUBLISHED:
        return main_maps()
    found = maps(study)
    return [each for each in found if each.variant == finding(found).variant]


def axes(shown: Map) -> Axes:
    """The x values with their parameter counts and the seeds over all maps of the study, so that its maps have one abscissa, and the
    epochs of this map."""
    widths = query(
        "SELECT CAST(x AS INTEGER) AS width, any_value(n_params) AS n_params FROM configurations WHERE study = $study GROUP BY 1 ORDER BY 1",
        {"study": shown.study.name},
    )
    seeds = query("SELECT DISTINCT seed FROM runs WHERE study = $study ORDER BY 1", {"study": shown.study.name})
    epochs = query(
        """
        SELECT DISTINCT epoch FROM curves SEMI JOIN (SELECT run FROM runs JOIN configurations USING (configuration) WHERE map = $map)
        USING (run) ORDER BY 1
        """,
        {"map": shown.key},
    )
    return Axes(
        widths["width"].to_pylist(),
        widths["n_params"].to_pylist(),
        epochs["epoch"].to_pylist(),
        seeds["seed"].to_pylist(),
        shown.study.x,
        shown.study.unit,
        shown.study.clock,
        shown.study.loss,
    )


def settings(shown: Map) -> dict[str, Any]:
    """The settings that all configurations of the map share, by name."""
    return json.loads(
        query("SELECT settings::VARCHAR AS s FROM maps WHERE map = $map", {"map": shown.key})["s"][0].as_py()
    )


def seeds_by_width(shown: Map) -> dict[int, int]:
    """Complete runs at each x value of one map; one without any is 0."""
    table = query(
        """
        SELECT CAST(c.x AS INTEGER) AS width, count(*) FILTER (WHERE r.status = 'complete') AS seeds
        FROM configurations c LEFT JOIN runs r USING (configuration) WHERE c.map = $map GROUP BY 1 ORDER BY 1
        """,
        {"map": shown.key},
    )
    return dict(zip(table["width"].to_pylist(), table["seeds"].to_pylist(), strict=True))


def colour_limits(study: Study, measure: str, among: str = "study") -> tuple[float, float]:
    """The ends of the colour scale that all maps of the study share: the peaks of the last row are just below the upper end, so that the
    ridge stands out. `among` "all" takes in every study of the question with the same kind of loss.

    What lies beyond, as the narrowest networks do, is drawn in the last colour, and the page says so. The lower end is 0, for the gap minus
    the upper end.
    """
    names = [study.name]
    if among == "all":
        names = [other.name for other in studies() if measure != "loss" or other.loss == study.loss]
    return _limits(names, measure, "l.line = (SELECT max(epoch) FROM cells other WHERE other.map = l.map)")


def slice_limits(study: Study, measure: str) -> tuple[float, float]:
    """The ends of the error axis of the slices, the same for all maps and cells of a study: over every peak of a row of a point or more."""
    return _limits([study.name], measure, "l.height >= 0.01")


def _limits(names: list[str], measure: str, peaks: str) -> tuple[float, float]:
    """Over nine cells in ten of each study and over the chosen peaks, rounded up to five points (losses: to a half)."""
    found = query(
        f"""
        WITH cells AS (
            SELECT c.study, c.map, c.x, i.epoch, i.mean
            FROM intervals i JOIN configurations c USING (configuration)
            WHERE list_contains($names, c.study) AND i.measure = '{PAIRS[measure][0]}'
        )
        SELECT (SELECT max(high) FROM (SELECT quantile_cont(mean, 0.9) AS high FROM cells GROUP BY study)) AS high,
               (SELECT min(mean) FROM cells) AS least,
               (SELECT max(mean) FROM cells JOIN landmarks l USING (map)
                WHERE l.kind = 'ridge_across' AND {peaks} AND l.line = epoch AND l.position = x) AS ridge
        """,
        {"names": names},
    ).to_pylist()[0]
    step = 0.5 if measure == "loss" else 0.05
    reach = max(found["high"] or 0, found["ridge"] or 0, -(found["least"] or 0) if measure == "gap" else 0)
    high = round(step * max(1, math.ceil(reach / step)), 2)
    return (-high if measure == "gap" else 0.0), high


def threshold(shown: Map, level: float) -> pa.Table:
    """The interpolation threshold at each epoch: the first width whose mean train error is at most `level`, NULL where not reached;
    `low` and `high` are the smallest and largest over the single seeds that reach it (`reached` of `n`)."""
    return query(
        """
        SELECT CAST(line AS INTEGER) AS epoch, CAST(position AS INTEGER) AS width, low, high, reached, n
        FROM landmarks WHERE map = $map AND kind = 'threshold' AND abs(level - $level) < 1e-9 ORDER BY 1
        """,
        {"map": shown.key, "level": level},
    )


def ridge(shown: Map, reading: str) -> pa.Table:
    """The peak of the test error: `reading` "across" gives epoch → width, "up" gives width → epoch.

    Columns at, position, low, high (bootstrap over seeds), height (a fraction, above the higher of the minima beside it), clear, n.
    """
    return query(
        """
        SELECT CAST(line AS INTEGER) AS "at", CAST(position AS INTEGER) AS position, low, high, height, clear, reached, n
        FROM landmarks WHERE map = $map AND kind::VARCHAR = $kind ORDER BY 1
        """,
        {"map": shown.key, "kind": f"ridge_{reading}"},
    )


class Row(NamedTuple):
    """One row of a map, read at its landmarks: each is a dict with width, n_params, mean, low, high, n. `peak` and `before` (the lowest
    mean at smaller widths) are None where the row has no peak; `clear` is whether it stands above seed noise on both sides."""

    epoch: int
    peak: dict[str, Any] | None
    before: dict[str, Any] | None
    widest: dict[str, Any]
    clear: bool
    narrowest: dict[str, Any]


def along_the_row(shown: Map, measure: str = "test_error", epoch: int | None = None) -> list[dict[str, Any]]:
    """Mean and interval of a measure against width at one epoch (the map's last one if none is given)."""
    return query(
        """
        SELECT CAST(c.x AS INTEGER) AS width, c.n_params, i.epoch, i.mean, i.low, i.high, i.n
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.map = $map AND i.measure::VARCHAR = $measure
          AND i.epoch = coalesce($epoch, (SELECT max(epoch) FROM intervals JOIN configurations USING (configuration) WHERE map = $map))
        ORDER BY c.x
        """,
        {"map": shown.key, "measure": measure, "epoch": epoch},
    ).to_pylist()


def last_row(shown: Map) -> Row | None:
    """The test error against width at the last epoch, read at the ridge, at the lowest point before it and at the widest network."""
    row = along_the_row(shown)
    if not row:
        return None
    at = ridge(shown, "across")
    at = at.filter(pc.and_(pc.equal(at["at"], row[0]["epoch"]), pc.is_valid(at["position"]))).to_pylist()
    by_width = {cell["width"]: cell for cell in row}
    peak = by_width.get(at[0]["position"]) if at else None
    earlier = [cell for cell in row if peak and cell["width"] < peak["width"]]
    before = min(earlier, key=lambda cell: cell["mean"]) if earlier else None
    return Row(
        row[0]["epoch"], peak if before else None, before, row[-1], bool(at and before and at[0]["clear"]), row[0]
    )


JUMPED = 0.05
"""A run whose train error ends this far (a fraction) above its own lowest had not settled."""


def jumped(shown: Map) -> tuple[int, int]:
    """Of how many complete runs of a map the train error ends more than JUMPED above the lowest that it had been at, and of how many."""
    rows = query(
        """
        SELECT CAST(count(*) FILTER (ends - lowest > $jumped) AS INTEGER) AS k, CAST(count(*) AS INTEGER) AS n FROM (
            SELECT arg_max(1 - v.train_correct / r.n_train, v.epoch) AS ends, min(1 - v.train_correct / r.n_train) AS lowest
            FROM curves v JOIN runs r USING (run) JOIN configurations c USING (configuration)
            WHERE c.map = $map AND r.status = 'complete' GROUP BY r.run
        )
        """,
        {"map": shown.key, "jumped": JUMPED},
    ).to_pylist()
    return rows[0]["k"], rows[0]["n"]


def peak_by_intervals(shown: Map, measure: str) -> dict[str, Any] | None:
    """The highest inner cell of the last row whose interval lies above those of a cell on either side, or None: for saying whether the
    loss peaks where the error does."""
    row = [cell for cell in along_the_row(shown, measure) if cell["low"] is not None]
    clear = [
        cell
        for place, cell in enumerate(row)
        if any(cell["low"] > other["high"] for other in row[:place])
        and any(cell["low"] > other["high"] for other in row[place + 1 :])
    ]
    return max(clear, key=lambda cell: cell["mean"]) if clear else None


def has_no_peak(shown: Map, measure: str) -> bool:
    """Whether a measure is known to have no peak along the last row: none in the mean, or for the test error a rise to it whose interval,
    in the claim that measured it on this map, lies below a point."""
    means = [cell["mean"] for cell in along_the_row(shown, measure)]
    if means and not any(
        min(means[:place]) < means[place] > min(means[place + 1 :]) for place in range(1, len(means) - 1)
    ):
        return True
    rise = query(
        """
        SELECT max(high) AS high FROM claim_parts WHERE study = $study AND quantity = 'rise_to_the_peak' AND unit = 'points'
        AND abs(CAST(details->>'label_noise' AS DOUBLE) - $noise) < 1e-9
        """,
        {"study": shown.study.name, "noise": shown.noise},
    )["high"][0].as_py()
    return measure == "test_error" and not shown.variant and rise is not None and rise < A_RISE


def contrasts(study: Study) -> pa.Table:
    """The ablations of a study that change label noise alone, largest effect first: quantity, baseline and changed (JSON text), estimate,
    low, high, n, unit."""
    return query(
        """
        SELECT quantity, baseline::VARCHAR AS baseline, changed::VARCHAR AS changed, estimate, low, high, n, unit
        FROM contrasts WHERE study = $study AND json_keys(changed) = ['label_noise'] ORDER BY abs(estimate) DESC
        """,
        {"study": study.name},
    )
