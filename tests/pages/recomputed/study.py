"""What the questions share: the runs of a study with what was measured of them, and the mean over seeds with its interval."""

import json
import math
from collections import defaultdict
from statistics import mean, stdev
from typing import NamedTuple

import duckdb
from scipy import stats

LEVEL = 0.95
Found = tuple[float | None, float | None, float | None, int]  # estimate, low, high, n


class Everywhere(NamedTuple):
    """A quantity that is asked at several places at once."""

    told: list[Found]
    """Of the place that is furthest from the rule; of all of them where several are equally far, of which the rule names none."""
    places: list[Found]
    """Holds where it holds at each of these."""
    against: list[Found]
    """Speaks against the claim where one of these does: at the level that Bonferroni's correction gives."""


def undecided(found: Found) -> Found:
    """The number alone, where a run is lost that would speak against the claim."""
    return found[0], None, None, found[3]


class Run(NamedTuple):
    settings: dict
    seed: int
    status: str
    steps: int
    n: dict[str, int]
    curve: list[dict]  # by epoch

    def wrong(self, part: str, place: int = -1) -> int:
        return self.n[part] - self.curve[place][f"{part}_correct"]

    def points(self, part: str, place: int = -1) -> float:
        return 100 * self.wrong(part, place) / self.n[part]


class Study:
    """The runs of one study with what was measured of them."""

    def __init__(self, database: str, name: str):
        self.database, self.name = database, name
        with duckdb.connect(database, read_only=True) as connection:
            ask = lambda sql: connection.sql(sql, params=[name]).to_arrow_table().to_pylist()
            (told,) = ask("SELECT x_axis, planned FROM studies WHERE study = ?")
            self.x, self.planned = told["x_axis"], told["planned"]
            rows = ask(
                "SELECT r.*, c.settings FROM runs r JOIN configurations c USING (configuration) WHERE r.study = ?"
            )
            tables = {
                table: ask(f"SELECT t.* FROM {table} t JOIN runs r USING (run) WHERE r.study = ? ORDER BY ALL")
                for table in ("curves", "layers", "targets", "noise_scale", "probes", "shifts")
            }
        of: dict[str, dict[int, list]] = {table: defaultdict(list) for table in tables}
        for table, found in tables.items():
            for row in found:
                of[table][row["run"]].append(row)
        self.runs = []
        self.layers, self.targets, self.noise = {}, {}, {}
        self.probes, self.shifts = {}, {}
        for row in rows:
            sizes = {part: row[f"n_{part}"] for part in ("train", "val", "test")}
            settings = json.loads(row["settings"])
            run = Run(settings, row["seed"], row["status"], row["steps"], sizes, of["curves"][row["run"]])
            key = len(self.runs)
            self.runs.append(run)
            self.layers[key], self.targets[key] = of["layers"][row["run"]], of["targets"][row["run"]]
            self.noise[key] = of["noise_scale"][row["run"]]
            self.probes[key], self.shifts[key] = of["probes"][row["run"]], of["shifts"][row["run"]]

    def map(self, **settings) -> dict[float, dict[int, Run]]:
        """x -> seed -> complete run, of the runs with these settings, x and seeds in order."""
        found: dict[float, dict[int, Run]] = defaultdict(dict)
        for run in sorted(self.runs, key=lambda run: (run.settings[self.x], run.seed)):
            if run.status == "complete" and all(run.settings[name] == value for name, value in settings.items()):
                assert run.seed not in found[run.settings[self.x]], "two runs of one seed in one cell"
                found[run.settings[self.x]][run.seed] = run
        return dict(found)

    def values(self, name: str) -> list:
        return sorted({run.settings[name] for run in self.runs if run.status == "complete"})


def interval(values: list[float], level: float = LEVEL) -> Found:
    n = len(values)
    if n < 3:
        return (mean(values) if n else None), None, None, n
    half = stats.t.ppf((1 + level) / 2, n - 1) * stdev(values) / math.sqrt(n)
    return mean(values), mean(values) - half, mean(values) + half, n


def chosen_rate(by_rate: dict[float, list[Run]]) -> float:
    """The learning rate with the lowest mean validation error, of equals the smallest; one at which a run was lost comes after all others."""

    def rank(rate: float) -> tuple:
        done = [run for run in by_rate[rate] if run.status == "complete"]
        error = round(mean(run.wrong("val") / run.n["val"] for run in done), 12) if done else math.inf
        return len(done) < len(by_rate[rate]), error, rate

    return min(by_rate, key=rank)


def power(found: Found) -> Found:
    """Back from natural logarithms."""
    return *(None if value is None else math.exp(value) for value in found[:3]), found[3]
