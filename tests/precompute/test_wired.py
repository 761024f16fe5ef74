import pytest
import torch
from torch import nn
from torch.nn import functional as F

from precompute.image_spec import ResNetSpec
from precompute.measures import wiring
from precompute.measures.wiring import edge_weights, without_each_node_and_edge
from precompute.models.wired import Stage, WiredNetwork
from precompute.studies.wiring import ALL, CHAIN_PARAMS, CIFAR10_SMALL, RESNET_56_PARAMS
from precompute.wiring_spec import WiringSpec

pytestmark = pytest.mark.usefixtures("worker_numerics")
NEVER, SURE = -1e4, 1e4
"""Raw weights whose sigmoids are 0 and 1."""


def make_spec(family="ws", links=4, p=0.75, **changes) -> WiringSpec:
    settings = {
        "study": "wiring/cifar10_small", "seed": 0, "dataset": "uoft-cs/cifar10", "side": 16, "n_train": 100, "label_noise": 0.0,
        "width": 4, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "batch_size": 50, "epochs": 1,
        "family": family, "links": links, "p": p, "graph": 0, "nodes": 6, "params": 3000,
    }  # fmt: skip
    return WiringSpec(**settings | changes)


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(40, 3, 16, 16, generator=generator), torch.randint(10, (40,), generator=generator)


def settled(spec, inputs) -> WiredNetwork:
    """With edge weights that are not those of the start, the statistics of these images, and answers that depend on them."""
    network = WiredNetwork(spec).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the running statistics are means over all passes
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for stage in network.stages:
            stage.raw.normal_(generator=generator)
        network.last.weight *= 20
        network(inputs)
    return network


def by_recursion(network: WiredNetwork, inputs, gone=None):
    """The logits, straight from the definition; `gone` is (stage number, node or edge)."""
    features = network.stem(inputs)
    for number, stage in enumerate(network.stages, start=1):
        features = stage_by_recursion(stage, features, gone[1] if gone and gone[0] == number else None)
    return network.last(F.relu(features).mean((2, 3)))


def stage_by_recursion(stage: Stage, inputs, gone=None):
    graph, weights = stage.graph, dict(zip(stage.graph.edges, torch.sigmoid(stage.raw), strict=True))

    def output(node):
        before = graph.before(node)
        terms = [weights[source, node] * present(source, node) for source in before]
        part = stage.nodes[node - 1]
        return part.norm(part.across(part.within(F.relu(sum(terms) if before else inputs))))

    def present(node, target=None):
        made = output(node)
        return 0 * made if gone in (node, (node, target)) else made

    return sum(present(node) for node in graph.sinks) / len(graph.sinks)


@pytest.mark.parametrize("family", [("ws", 4, 0.75), ("ba", 2, 0.0), ("residual_chain", 0, 0.0), ("complete", 0, 0.0)])
def test_the_forward_pass_is_the_plain_recursive_one(data, family):
    network = settled(make_spec(*family), data[0]).eval()
    with torch.no_grad():
        assert torch.allclose(network(data[0]), by_recursion(network, data[0]), rtol=1e-5, atol=1e-6)


def test_only_the_first_nodes_of_later_stages_halve_the_image_and_take_the_channels_before():
    spec = make_spec("ba", 3, 0.0)
    network, coming = WiredNetwork(spec), spec.width
    for number, (stage, channels) in enumerate(zip(network.stages, spec.channels, strict=True), start=1):
        for node, part in enumerate(stage.nodes, start=1):
            first = node in stage.graph.sources
            assert part.within.stride == ((2, 2) if first and number > 1 else (1, 1))
            assert (part.across.in_channels, part.across.out_channels) == (coming if first else channels, channels)
            assert part.within.groups == part.within.in_channels and part.within.bias is part.across.bias is None
        assert len(stage.graph.sources) == 3
        coming = channels
    with torch.no_grad():
        features = network.stem(torch.zeros(2, 3, 16, 16))
        for stage, side in zip(network.stages, (16, 8, 4), strict=True):
            features = stage(features)
            assert features.shape == (2, stage.channels, side, side)


def test_a_node_weighs_its_edges_by_sigmoids_that_start_at_one_half_and_learn(data):
    network = WiredNetwork(make_spec())
    assert all(row["weight"] == 0.5 for row in edge_weights(network))
    F.cross_entropy(network.train()(data[0]), data[1]).backward()
    assert all((stage.raw.grad != 0).sum() > len(stage.raw) / 2 for stage in network.stages)


def same_nodes(network: WiredNetwork, other: WiredNetwork) -> None:
    """Gives `other` every weight of `network` but those of the edges."""
    told = {name: value for name, value in network.state_dict().items() if not name.endswith("raw")}
    assert not other.load_state_dict(told, strict=False).unexpected_keys


def test_chain_and_complete_graph_are_the_two_ends_of_the_same_code(data):
    """The complete graph with all weights but those of the chain at zero is the chain."""
    chain, complete = (WiredNetwork(make_spec(family, 0, 0.0, params=CHAIN_PARAMS, nodes=10, width=16)) for family in ("chain", "complete"))  # fmt: skip
    same_nodes(chain, complete)
    with torch.no_grad():
        for ours, theirs in zip(complete.stages, chain.stages, strict=True):
            assert len(ours.graph.edges) == 45 and len(theirs.graph.edges) == 9
            neighbours = torch.tensor([target - source == 1 for source, target in ours.graph.edges])
            ours.raw.copy_(torch.where(neighbours, 0.0, NEVER))
        one, other = chain.eval()(data[0]), complete.eval()(data[0])
        assert torch.allclose(one, other, atol=1e-6)
        features = chain.stem(data[0])
        for stage in chain.stages:
            for node, part in enumerate(stage.nodes):
                features = part(features if node == 0 else features / 2)
        assert torch.allclose(one, chain.last(F.relu(features).mean((2, 3))), atol=1e-6)


def test_the_residual_chain_is_a_residual_network_with_its_sums_written_out(data):
    network = settled(make_spec("residual_chain", 0, 0.0, nodes=8), data[0]).eval()
    with torch.no_grad():
        for stage in network.stages:
            stage.raw.fill_(SURE)
        features = network.stem(data[0])
        for stage in network.stages:
            first, *blocks, last = stage.nodes
            carried = first(features)
            for one, two in zip(blocks[::2], blocks[1::2], strict=True):
                carried = carried + two(one(carried))
            features = last(carried)
        expected = network.last(F.relu(features).mean((2, 3)))
        assert torch.allclose(network(data[0]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("study", ALL, ids=lambda study: study.name)
def test_all_networks_of_a_study_have_as_many_parameters_within_two_percent(study):
    specs = study.specs("full")
    (target,) = {spec.params for spec in specs}
    counts = [spec.n_params for spec in specs]
    assert (
        0.98 * target < min(counts) <= max(counts) < 1.02 * target and max(counts) < 1.02 * min(counts) + 0.02 * target
    )
    by_family = {}
    for spec in specs:
        by_family.setdefault((spec.family, spec.links, spec.p), []).append(spec.n_params)
    means = [sum(each) / len(each) for each in by_family.values()]
    assert max(means) / min(means) < 1.02


def test_the_counts_are_those_of_the_networks():
    seen = set()
    for spec in CIFAR10_SMALL.specs("full"):
        key = (spec.family, spec.links, spec.p)
        if key not in seen:
            seen.add(key)
            assert sum(part.numel() for part in WiredNetwork(spec).parameters()) == spec.n_params
    chain = next(spec for spec in CIFAR10_SMALL.specs("full") if spec.family == "chain")
    assert (chain.channels, chain.n_params) == ((16, 32, 64), CHAIN_PARAMS)
    resnet = ResNetSpec(
        study="depth/cifar10_resnet", seed=0, dataset="uoft-cs/cifar10", side=32, n_train=100, label_noise=0.0, width=16,
        optimizer="sgd", lr=0.1, batch_size=128, epochs=1, depth=56, architecture="residual",
    )  # fmt: skip
    assert resnet.n_params == RESNET_56_PARAMS


def test_the_products_are_counted_as_they_are_made(data):
    spec, made = make_spec(n_train=1), []

    def count(layer, inputs, output):
        made.append(output[0].numel() * layer.weight[0].numel())

    network = WiredNetwork(spec).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(data[0])
    assert spec.flops == 4 * made[0] + 6 * (sum(made[1:]) + network.last.weight.numel())


def test_the_start_is_keyed_by_the_seed_and_not_by_the_wiring():
    chain, complete = (WiredNetwork(make_spec(family, 0, 0.0, nodes=10, width=16, params=CHAIN_PARAMS)) for family in ("chain", "complete"))  # fmt: skip
    told = complete.state_dict()
    assert all(torch.equal(value, told[name]) for name, value in chain.state_dict().items() if "raw" not in name)
    other = WiredNetwork(make_spec("chain", 0, 0.0, nodes=10, width=16, params=CHAIN_PARAMS, seed=1))
    assert not torch.equal(other.stem[0].weight, chain.stem[0].weight)
    assert make_spec(seed=1).graphs == make_spec(seed=0).graphs != make_spec(graph=1).graphs


@pytest.mark.parametrize("family", [("ws", 4, 0.75), ("ba", 3, 0.0), ("chain", 0, 0.0)])
def test_each_row_of_the_damage_is_the_network_without_that_part(data, monkeypatch, family):
    monkeypatch.setattr(wiring, "CHUNK", 12)
    monkeypatch.setattr(wiring, "DAMAGE_EXAMPLES", 30)
    inputs, labels = data
    spec = make_spec(*family)
    network = settled(spec, inputs)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    rows = without_each_node_and_edge(network, inputs, labels)
    parts = {(row["stage"], row["part"] if row["target"] is None else (row["part"], row["target"])) for row in rows}
    assert len(parts) == len(rows) == 1 + sum(6 + len(graph.edges) for graph in spec.graphs)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    losses = set()
    for row in rows:
        gone = row["part"] if row["target"] is None else (row["part"], row["target"])
        assert row["kind"] == ("none" if row["stage"] == 0 else "edge" if row["target"] else "node")
        with torch.no_grad():
            logits = by_recursion(network.eval(), inputs[:30], (row["stage"], gone))
        assert row["test_loss"] == pytest.approx(F.cross_entropy(logits, labels[:30]).item(), rel=1e-4)
        assert row["test_correct"] == int((logits.argmax(1) == labels[:30]).sum()) and row["n_test"] == 30
        losses.add(row["test_loss"])
    if family[0] != "chain":  # there everything behind the gap is the same for all images
        assert len(losses) > len(rows) / 2


def test_removing_an_edge_of_weight_zero_costs_nothing(data):
    network = settled(make_spec(), data[0])
    light = [(number, stage.graph.edges[-1]) for number, stage in enumerate(network.stages, start=1)]
    with torch.no_grad():
        for stage in network.stages:
            stage.raw[-1] = -30.0
    whole, *rows = without_each_node_and_edge(network, *data)
    cost = {(row["stage"], (row["part"], row["target"])): row["test_loss"] - whole["test_loss"] for row in rows}
    assert all(cost[edge] == pytest.approx(0, abs=1e-6) for edge in light)
    assert max(abs(each) for each in cost.values()) > 1e-3
    weights = {(row["stage"], (row["source"], row["target"])): row["weight"] for row in edge_weights(network)}
    assert all(weights[edge] < 1e-12 for edge in light) and len(weights) == 3 * 12


def test_a_chain_without_a_node_says_the_same_of_every_image(data):
    network = settled(make_spec("chain", 0, 0.0), data[0])
    rows = without_each_node_and_edge(network, *data)
    counts = torch.bincount(data[1], minlength=10).tolist()
    assert all(row["test_correct"] in counts for row in rows if row["kind"] != "none")


def test_a_loss_that_is_not_finite_is_none(data):
    network = settled(make_spec(), data[0])
    nn.init.constant_(network.last.weight, float("inf"))
    assert all(row["test_loss"] is None for row in without_each_node_and_edge(network, *data))
