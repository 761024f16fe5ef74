"""What `run` shows while groups train, and whether the next one may start."""

import sys
import time
from collections import Counter
from collections.abc import Sequence

from precompute import executors
from precompute.engine import Engine
from precompute.spec import Spec
from precompute.studies.study import flops_of

EFFICIENCY = (
    0.6  # share of the machine's matrix rate that training reaches; `benchmark` measured 46 to 71%, see README.md
)


class Progress:
    """A bar with an ETA by the price of the groups on a terminal, one line a group otherwise."""

    def __init__(
        self,
        groups: Sequence[Sequence[Spec]],
        max_minutes: float | None,
        card: Engine | None = None,
    ):
        rate = executors.matrix_rate() * EFFICIENCY  # of one worker of a CPU
        self.price = card.seconds if card else lambda group: flops_of(group) / rate
        self.total, self.done = sum(map(self.price, groups)), 0.0
        self.groups, self.ended_groups, self.started = len(groups), 0, time.perf_counter()
        self.deadline = None if max_minutes is None else self.started + 60 * max_minutes
        self.pace: dict[str, float] = {}
        """Study -> how many times its price the last group took."""
        self.last = 1.0
        self.bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(
                total=sum(map(flops_of, groups)) / 1e12,
                unit="TFLOP",
                bar_format="{l_bar}{bar}| {n:.1f}/{total:.1f} TFLOP [{elapsed}<{remaining}]",
            )

    def may_start(self, group: Sequence[Spec]) -> bool:
        """Whether the group would end before the deadline."""
        pace = self.pace.get(group[0].study, self.last)
        return self.deadline is None or time.perf_counter() + pace * self.price(group) < self.deadline

    def ended(self, outcome: executors.Outcome) -> None:
        """Counts a group that ended, and says so."""
        price = self.price(outcome.group)
        self.done += price
        self.ended_groups += 1
        if outcome.seconds and price:
            self.last = self.pace[outcome.group[0].study] = outcome.seconds / price
        counts = Counter(outcome.statuses.values())
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        line = f"{outcome.group[0].study} seed {outcome.group[0].seed}: {told} in {outcome.seconds:.0f} s"
        errors = [f"  failed: {error}" for error in outcome.errors]
        if self.bar is None:
            passed = time.perf_counter() - self.started
            left = passed / self.done * (self.total - self.done)
            print(
                f"[{self.ended_groups}/{self.groups}] {line}; {left / 60:.0f} min left", *errors, sep="\n", flush=True
            )
        else:
            self.bar.update(flops_of(outcome.group) / 1e12)
            for error in errors:
                self.bar.write(f"{line}\n{error}")

    def close(self) -> None:
        """Ends the bar, and says what the deadline left undone."""
        if self.bar is not None:
            self.bar.close()
        if self.ended_groups < self.groups:
            print(f"{self.groups - self.ended_groups} groups not started; the same command goes on")
