"""What is known of a card: its file, its groups and its prices."""

import dataclasses
import itertools
import math

import pytest
from torch import nn

from precompute import executors
from precompute.engine import GROUP_SECONDS, MOST_BESIDE, Engine, read, write
from precompute.image_spec import ImageSpec
from precompute.models.simple_cnn import simple_cnn
from precompute.progress import Progress
from precompute.spec import MLPSpec, StepsSpec
from precompute.studies import STUDIES
from precompute.training.single import NETWORKS
from precompute.wiring_spec import WiringSpec

CNN = STUDIES["double_descent/cifar10_cnn"]
MEASURED = Engine(
    device="a card", torch="2", flops_per_second=2e14, seconds_per_layer=5e-5, way="streams", beside_up_to=8,
    processes=2, factors={CNN.name: 1.5}, figures={"matrix products": {"bf16": 7e14}},
)  # fmt: skip


def test_a_card_that_is_not_measured_is_said_to_be_stated(tmp_path):
    assert read(tmp_path / "engines.json") == {}
    assert "stated, not measured" in str(Engine()) and "measured with torch 2" in str(MEASURED)


def test_what_was_measured_is_kept_beside_other_cards(tmp_path):
    path = tmp_path / "folder" / "engines.json"
    other = dataclasses.replace(Engine(), device="another", torch="3")
    write(MEASURED, path)
    write(other, path)
    write(dataclasses.replace(MEASURED, processes=4), path)
    assert read(path) == {"a card": dataclasses.replace(MEASURED, processes=4), "another": other}
    assert [each.name for each in path.parent.iterdir()] == ["engines.json"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a card": {"speed": 1}}', '{"a card": 3}', '{"a card": {"flops_per_second": "high"}}', "\xff"]
)
def test_a_file_that_is_none_of_ours_is_refused(tmp_path, text):
    (tmp_path / "engines.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match="no file of measured cards"):
        read(tmp_path / "engines.json")


@pytest.mark.parametrize("engine", [Engine(), MEASURED, dataclasses.replace(MEASURED, beside_up_to=64)], ids=str)
@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
def test_groups_on_a_card_hold_every_run_once_and_end_in_minutes(study, engine):
    specs = study.specs("full")
    groups = study.groups(specs, engine)
    assert sorted(spec.run_id for group in groups for spec in group) == sorted(spec.run_id for spec in specs)
    for group in groups:
        assert len({engine.key(spec, study.may_be_beside) for spec in group}) == 1
        if len(group) > 1 and not study.group_decides:
            assert engine.seconds(group) <= GROUP_SECONDS
        if len(group) > 1 and isinstance(group[0], ImageSpec):
            assert group[0].width <= engine.beside_up_to and len(group) <= MOST_BESIDE
            assert len({spec.beside_key for spec in group}) == 1 and study.may_be_beside
    if study.group_decides:
        assert groups == study.groups(specs), "a group that decides when its runs end is the same everywhere"


def test_small_networks_of_all_seeds_and_noises_are_beside_each_other_on_a_card_and_alone_on_a_cpu():
    specs = [spec for spec in CNN.specs("full") if spec.width <= 8]
    on_card = CNN.groups(specs, dataclasses.replace(MEASURED, flops_per_second=1e16, factors={}))
    assert {len(group) for group in on_card} == {9}
    assert all(len({(spec.seed, spec.label_noise) for spec in group}) == 9 for group in on_card)
    assert {len(group) for group in CNN.groups(specs)} == {1}


def test_networks_that_step_together_pay_for_their_kernels_once(make_spec):
    one = make_spec(8)
    alone = MEASURED.seconds([one])
    products = one.flops / MEASURED.flops_per_second
    assert alone == pytest.approx(products + one.updates * 2 * MEASURED.seconds_per_layer)
    assert MEASURED.seconds([one] * 10) == pytest.approx(alone + 9 * products)
    in_turn = [spec for spec in CNN.specs("full") if spec.width == 64][:3]
    assert MEASURED.seconds(in_turn) == pytest.approx(3 * MEASURED.seconds(in_turn[:1]))
    assert MEASURED.seconds(in_turn) == pytest.approx(1.5 * dataclasses.replace(MEASURED, factors={}).seconds(in_turn))


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if study.needs_gpu])
def test_layers_are_those_of_the_network(name):
    for spec in STUDIES[name].specs("smoke"):
        network = simple_cnn(spec) if isinstance(spec, StepsSpec) else NETWORKS[type(spec)](spec)
        weights = [
            each
            for told, each in network.named_modules()
            if isinstance(each, nn.Conv2d | nn.Linear) and "shortcut" not in told
        ]
        edges = sum(len(graph.edges) // 3 for graph in spec.graphs) if isinstance(spec, WiringSpec) else 0
        assert spec.layers == len(weights) + edges


def test_updates_are_the_steps_of_a_run(make_spec):
    assert make_spec(n_train=120, batch_size=50, epochs=7).updates == 21
    assert {spec.updates for spec in CNN.specs("full")} == {49_984}
    for study, spec in itertools.product(STUDIES.values(), range(3)):
        one = study.specs("full")[spec]
        assert one.updates > 0 or not isinstance(one, MLPSpec | ImageSpec | StepsSpec)


def test_minutes_left_are_held_against_the_price_and_then_against_what_groups_took(make_spec):
    small, large = CNN.specs("full")[0], max(CNN.specs("full"), key=lambda spec: spec.flops)
    other = [make_spec(8)]
    price = MEASURED.seconds([large])
    progress = Progress([[small], [large], other], 1.1 * price / 60, MEASURED)
    assert progress.may_start([large]) and progress.may_start([small])
    progress.ended(executors.Outcome([small], 2 * MEASURED.seconds([small]), {small.run_id: "complete"}))
    assert not progress.may_start([large]), "half as fast as priced"
    progress.ended(executors.Outcome(other, MEASURED.seconds(other), {other[0].run_id: "complete"}))
    assert not progress.may_start([large]), "another study says nothing of this one"
    progress.ended(executors.Outcome([small], MEASURED.seconds([small]), {small.run_id: "complete"}))
    assert progress.may_start([large]) and math.isfinite(progress.total)
