"""The formulas that the app draws against those that the networks were trained with."""

import csv
from collections import Counter
from pathlib import Path

import pytest
import torch

from explorer.activation.formulas import FORMULAS, PRELU_START, born_dead_bound
from explorer.charts import functions
from precompute.models.activations import ACTIVATIONS, slope

ROOT = Path(__file__).resolve().parents[3]
AT = torch.cat(
    [torch.linspace(-8, 8, 1601, dtype=torch.float64), torch.tensor([-50.0, 0.0, 50.0], dtype=torch.float64)]
)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_formula_and_its_slope_are_those_of_the_trained_networks(name):
    start = ACTIVATIONS[name].learned_slope
    slopes = [] if start is None else [torch.tensor([start], dtype=torch.float64)]
    f, slope_of = FORMULAS[name]
    values = ACTIVATIONS[name].function(AT[None], *slopes)[0]
    assert [f(x) for x in AT.tolist()] == pytest.approx(values.tolist(), abs=1e-9)
    expected = slope(ACTIVATIONS[name], AT[None], *slopes)[0]
    assert [slope_of(x) for x in AT.tolist()] == pytest.approx(expected.tolist(), abs=1e-9)


def test_every_trained_function_has_a_formula_and_the_slope_of_prelu_starts_where_it_does():
    assert FORMULAS.keys() == ACTIVATIONS.keys() == functions.FUNCTIONS.keys()
    assert PRELU_START == ACTIVATIONS["prelu"].learned_slope


def test_no_two_functions_look_alike_and_few_hues_stand_side_by_side():
    looks = functions.FUNCTIONS.values()
    assert max(Counter((look.colour, look.shape) for look in looks).values()) == 1
    assert len({look.colour for look in looks}) <= 7
    assert len({look.colour for look in looks}) == len({look.family for look in looks})


def test_functions_are_written_as_in_the_published_tables():
    with open(ROOT / "data" / "published.csv", encoding="utf-8", newline="") as file:
        published = {row["series"] for row in csv.DictReader(file) if row["question"] == "activation"}
    ours = {look.name for look in functions.FUNCTIONS.values()}
    assert ours - published == {"identity"}, "the same name for the same function"


@pytest.mark.parametrize(
    ("width", "layers", "bound"), [(2, 10, 0.925), (3, 10, 0.699), (5, 10, 0.249), (10, 10, 0.009)]
)
def test_the_bound_is_that_of_lu_et_al(width, layers, bound):
    assert born_dead_bound(width, layers) == pytest.approx(bound, abs=6e-4)


def test_the_bound_is_exact_where_it_is_tiny():
    assert born_dead_bound(64, 2) == pytest.approx(2.0**-64, rel=1e-12)
    assert born_dead_bound(1, 2) == pytest.approx(0.5)
