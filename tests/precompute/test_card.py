"""The measurement of a card, in small on a CPU; its choice, from times that are made up; and on a card the speeds to reach."""

import pytest
import torch

from precompute import __main__ as commands
from precompute import card, timing
from precompute.card import CAPTURED, PLAIN, SCALES, choose
from precompute.engine import Engine
from precompute.studies import STUDIES
from precompute.training.captured import set_numerics

pytestmark = pytest.mark.usefixtures("worker_numerics")
ON_A_CARD = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
GROUPED, STREAMS = card.WAYS


def test_every_part_is_measured_and_a_cpu_says_that_it_is_none(data_folder, capsys):
    kept = []
    found = card.measure("cpu", str(data_folder), "smoke", 9, kept.append)
    told = capsys.readouterr().out
    assert "every step is the plain call" in told and "not measured" not in told, told
    assert kept[-1] == found and [len(each.figures) for each in kept] == [1, 2, 3, 4, 5], "a cut sitting loses one part"
    assert found.device == "" and set(found.figures) == {
        "matrix products",
        "double_descent/mnist_mlp",
        "convolutions",
        "studies",
        "floor",
    }
    assert all(value > 0 for part in found.figures.values() for value in part.values())
    ways = {told.partition(" ")[2] for told in found.figures["convolutions"]}
    assert ways == {PLAIN, CAPTURED, f"{CAPTURED}, fp32", *card.WAYS, "2 processes"}
    assert set(found.figures["studies"]) == {name for name, study in STUDIES.items() if study.needs_gpu}
    assert found.figures["floor"]["fp32 lowest train loss"] == found.figures["floor"]["bf16 lowest train loss"]
    assert found.flops_per_second > 0 and found.seconds_per_layer > 0 and len(found.factors) == 6


def test_when_the_minutes_are_over_the_rest_is_said_not_to_be_measured(capsys):
    assert card.measure("cpu", None, "smoke", -1) == Engine(torch=torch.__version__)
    assert capsys.readouterr().out.count("not measured, the -1 minutes are over") == 5


def test_what_fails_says_so_and_leaves_the_others_to_be_measured(monkeypatch, capsys):
    def fails(*_) -> float:
        raise RuntimeError("planted")

    monkeypatch.setattr(timing, "a_step_beside", fails)
    monkeypatch.setattr(timing, "a_step_in_processes", fails)
    monkeypatch.setattr(card, "mlp_grid", fails)
    monkeypatch.setattr(card, "floor", fails)
    found = card.measure("cpu", None, "smoke", 9)
    assert set(found.figures) == {"matrix products", "convolutions", "studies"}
    assert {told.partition(" ")[2] for told in found.figures["convolutions"]} == {PLAIN, CAPTURED, f"{CAPTURED}, fp32"}
    assert capsys.readouterr().out.count("not measured: RuntimeError: planted") == 2 * 2 + 1 + 2
    assert (found.way, found.beside_up_to, found.processes) == ("", 0, 1)


@pytest.fixture
def one_part(monkeypatch):
    """Only the rates of matrices are measured; all else fails."""

    def fails(*_) -> float:
        raise RuntimeError("planted")

    for part in ("mlp_grid", "convolutions", "studies", "floor"):
        monkeypatch.setattr(card, part, fails)


@pytest.mark.usefixtures("one_part")
def test_parts_that_are_not_measured_anew_stay_as_they_were():
    name, floor = "this processor, to try things out", {"fp32 test error": 0.5}
    figures = times(w2={CAPTURED: 0.5}, w64={CAPTURED: 3.0}) | {"matrix products": {"bf16": 1.0}, "floor": floor}
    known, kept = {name: choose(figures, name, torch.__version__)}, []
    found = card.measure("cpu", None, "smoke", 9, kept.append, known)
    assert len(kept) == 5 and kept[-1] == found
    assert found.figures == figures | {"matrix products": found.figures["matrix products"]}
    assert found.figures["matrix products"]["bf16"] > 1e6
    assert found.seconds_per_layer == known[name].seconds_per_layer == pytest.approx(1e-4)


@pytest.mark.usefixtures("one_part")
def test_what_another_version_measured_stays_whole_until_all_of_it_is_measured_anew():
    name = "this processor, to try things out"
    known, kept = {name: choose({"matrix products": {}, "floor": {}}, name, "1.0")}, []
    found = card.measure("cpu", None, "smoke", 9, kept.append, known)
    assert set(found.figures) == {"matrix products"} and kept == []
    del known[name].figures["floor"]
    card.measure("cpu", None, "smoke", 9, kept.append, known)
    assert len(kept) == 5 and kept[-1].torch == torch.__version__


@pytest.mark.parametrize(("size", "written"), [("full", True), ("smoke", False)])
def test_small_times_of_a_card_are_never_written_down(tmp_path, monkeypatch, capsys, size, written):
    def measured(device, folder, size, minutes, keep=lambda engine: None, known=None):
        keep(Engine(device="a card", torch="2"))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "a card")
    monkeypatch.setattr(card, "measure", measured)
    engines = tmp_path / "engines.json"
    assert commands.main(["benchmark", "--device", "cuda", "--size", size, "--engines", str(engines)]) == 0
    assert engines.exists() == written
    assert ("a card, measured with torch 2" in capsys.readouterr().out) == written


def times(**by_width) -> dict[str, dict[str, float]]:
    """`w8={way: ms}` as `convolutions` has it."""
    return {
        "convolutions": {f"{told[1:]} {way}": 1e-3 * ms for told, ways in by_width.items() for way, ms in ways.items()}
    }


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({}, ("", 0, 1)),
        ({"w2": {PLAIN: 2, CAPTURED: 1}, "w64": {PLAIN: 3, CAPTURED: 2}}, ("", 0, 1)),
        (
            {"w2": {CAPTURED: 1, GROUPED: 0.2, STREAMS: 0.3}, "w8": {CAPTURED: 1, GROUPED: 0.5, STREAMS: 0.3}, "w64": {CAPTURED: 2, GROUPED: 5, STREAMS: 3}},
            (GROUPED, 2, 1),
        ),
        (
            {"w2": {CAPTURED: 1, GROUPED: 0.4, STREAMS: 0.3}, "w8": {CAPTURED: 1, GROUPED: 0.5, STREAMS: 0.3}, "w64": {CAPTURED: 2, GROUPED: 5, STREAMS: 3}},
            (STREAMS, 8, 1),
        ),
        ({"w2": {CAPTURED: 1, STREAMS: 0.5, "2 processes": 0.6}, "w64": {CAPTURED: 2, STREAMS: 3, "2 processes": 1.9}}, (STREAMS, 2, 1)),
        ({"w2": {CAPTURED: 1, STREAMS: 0.5, "2 processes": 0.4}, "w64": {CAPTURED: 2, "2 processes": 1.5, "4 processes": 1.2}}, ("", 0, 4)),
        ({"w2": {CAPTURED: 1, f"{CAPTURED}, fp32": 0.1}}, ("", 0, 1)),
    ],
)  # fmt: skip
def test_the_fastest_way_is_chosen_at_each_end(measured, expected):
    engine = choose(times(**measured), "a card", "2")
    assert (engine.way, engine.beside_up_to, engine.processes) == expected
    assert engine.device == "a card" and engine.figures == times(**measured)


def test_prices_give_back_the_times_that_they_come_from():
    """A step of the smallest network is its layers, and of the largest its products besides."""
    found = times(w2={CAPTURED: 0.5}, w64={CAPTURED: 3.0}) | {"studies": {"double_descent/cifar10_cnn": 1e-3}}
    engine = choose(found, "a card", "2")
    assert engine.seconds_per_layer == pytest.approx(1e-4)
    large = next(spec for spec in STUDIES["double_descent/cifar10_cnn"].specs("full") if spec.width == 64)
    step = card.flops_of_a_step(large) / engine.flops_per_second + 5 * engine.seconds_per_layer
    assert step == pytest.approx(3e-3)
    (spec,) = card.middling("double_descent/cifar10_cnn", "full")
    assert engine.seconds([spec]) == pytest.approx(1e-3 * spec.updates, rel=0.01)


def test_a_step_of_each_study_is_of_a_network_that_it_has():
    assert card.middling("double_descent/cifar10_resnet18", "full")[0].width == 64
    assert {spec.batch_size for spec in card.middling("batch_size/mnist_cnn", "full")} == {128}
    assert len(card.middling("batch_size/mnist_cnn", "full")) == 10


@ON_A_CARD
def test_grouped_and_captured_mlps_are_twenty_times_as_fast_as_a_loader():
    device = torch.device("cuda")
    set_numerics(device)
    found = card.mlp_grid(device, SCALES["full"], "full")
    assert found["one at a time, DataLoader"] >= 20 * found["grouped, captured"], found


@ON_A_CARD
@pytest.mark.parametrize("width", [2, 8])
def test_small_convolutional_networks_are_four_times_as_fast_as_a_plain_loop(width):
    device, scale = torch.device("cuda"), SCALES["full"]
    set_numerics(device)
    specs = card._cnns(width, scale.images)
    plain = timing.a_step(specs[0], device, scale.seconds, capture=False)
    best = min(
        timing.a_step(specs[0], device, scale.seconds),
        *(timing.a_step_beside(specs, way, device, scale.seconds) for way in card.WAYS),
    )
    assert plain >= 4 * best, (plain, best)


@ON_A_CARD
def test_the_widest_network_reaches_a_quarter_of_the_matrix_rate():
    device, scale = torch.device("cuda"), SCALES["full"]
    set_numerics(device)
    (spec, *_) = card._cnns(64, scale.images)
    reached = card.flops_of_a_step(spec) / timing.a_step(spec, device, scale.seconds)
    assert reached >= 0.25 * card.matrix_rates(device, scale)["bf16"]
