from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precompute.spec import Spec, canonical_json
from precompute.studies import STUDIES
from precompute.studies.study import SIZES


@dataclass(frozen=True, kw_only=True)
class Old(Spec):
    width: int


@dataclass(frozen=True, kw_only=True)
class New(Old):
    dropout: float = 0.0


def test_a_new_field_with_a_default_leaves_older_ids_as_they_were():
    assert Old(study="s/t", seed=1, width=4).run_id == New(study="s/t", seed=1, width=4).run_id
    assert Old(study="s/t", seed=1, width=4).run_id != New(study="s/t", seed=1, width=4, dropout=0.5).run_id


def test_a_raised_recipe_is_another_run():
    assert Old(study="s/t", seed=1, width=4).run_id != Old(study="s/t", seed=1, width=4, recipe=2).run_id


def test_the_published_ids_are_never_renamed():
    """This id is in the shipped database; a change here would orphan every run of the study."""
    spec = next(
        s for s in STUDIES["double_descent/mnist_mlp"].specs("full") if (s.width, s.label_noise, s.seed) == (16, 0.2, 0)
    )
    assert spec.run_id == "33122e07df43bfce"


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("size", SIZES)
def test_every_run_of_a_study_has_its_own_id_and_reads_back(name, size):
    specs = STUDIES[name].specs(size)
    assert len({spec.run_id for spec in specs}) == len(specs) > 0
    for spec in specs:
        assert type(spec)(**spec.as_dict()) == spec
        assert spec.study == name


@pytest.mark.parametrize("name", STUDIES)
def test_groups_hold_every_run_once_and_only_runs_that_may_train_together(name):
    study = STUDIES[name]
    specs = study.specs("full")
    groups = study.groups(specs)
    assert sorted(spec.run_id for group in groups for spec in group) == sorted(spec.run_id for spec in specs)
    assert all(len({spec.group_key for spec in group}) == 1 for group in groups)
    seeds = [group[0].seed for group in groups]
    assert seeds == sorted(seeds), "first seeds come first"


@given(
    st.dictionaries(st.text(), st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()))
)
def test_canonical_json_does_not_depend_on_the_order_of_keys(value):
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


@pytest.mark.parametrize(("width", "params"), [(1, 805), (50, 39_760), (1024, 814_090)])
def test_parameter_counts_follow_795_h_plus_10(make_spec, width, params):
    assert make_spec(width).n_params == 795 * width + 10 == params


def test_the_full_grid_is_the_one_that_was_announced():
    specs = STUDIES["double_descent/mnist_mlp"].specs("full")
    assert len({spec.width for spec in specs}) == 24
    assert {spec.label_noise for spec in specs} == {0.0, 0.1, 0.2}
    assert {spec.seed for spec in specs} == set(range(5))
    assert {(spec.n_train, spec.optimizer, spec.lr, spec.batch_size, spec.epochs) for spec in specs} == {
        (4000, "adam", 1e-3, 250, 1000)
    }
