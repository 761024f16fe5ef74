from collections import Counter

import duckdb
import pytest
import torch

from precompute import build, datasets, executors, results_file, shards
from precompute.studies import STUDIES
from precompute.studies.wiring import FAMILIES
from precompute.wiring_spec import WiringSpec
from tests.precompute.reading import values

SMALL, PAPER = STUDIES["wiring/cifar10_small"], STUDIES["wiring/cifar10"]
RECIPE = {
    "optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-5, "schedule": "cosine", "batch_size": 128, "label_noise": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("study", [SMALL, PAPER], ids=lambda study: study.name)
def test_every_family_has_ten_runs_on_the_same_seeds(study):
    specs = study.specs("full")
    by_family = {}
    for spec in specs:
        by_family.setdefault((spec.family, spec.links, spec.p), []).append(spec)
    assert set(by_family) == set(FAMILIES) and len(FAMILIES) == 13
    for members in by_family.values():
        assert [spec.seed for spec in members] == list(range(10))
        graphs = Counter(spec.graph for spec in members)
        assert graphs == (dict.fromkeys(range(5), 2) if members[0].random else {0: 10})
    assert values(specs, *RECIPE) == {tuple(RECIPE.values())}


def test_the_small_study_is_for_a_cpu_and_the_larger_one_for_a_gpu():
    assert PAPER.needs_gpu and not SMALL.needs_gpu
    assert values(SMALL.specs("full"), "side", "n_train", "width", "nodes", "epochs", "augment", "precision") == {
        (16, 5000, 16, 10, 15, "none", "fp32")
    }
    assert values(PAPER.specs("full"), "side", "n_train", "nodes", "augment", "precision") == {
        (32, 45_000, 32, "crop_flip", "bf16")
    }


@pytest.mark.usefixtures("worker_numerics")
def test_a_run_gives_the_same_damage_and_weights_again_and_training_moves_the_weights(data_folder):
    data = datasets.load(SMALL.dataset, str(data_folder))
    spec = SMALL.specs("smoke")[1]
    (one,), (two,) = (SMALL.train([spec], data, torch.device("cpu")) for _ in range(2))
    assert (one.curves, one.damage, one.edge_weights) == (two.curves, two.damage, two.edge_weights)
    assert spec.family == "ws" and len(one.edge_weights) == 3 * 12
    assert all(0 < row["weight"] < 1 for row in one.edge_weights)
    assert len({row["weight"] for row in one.edge_weights}) > 30
    whole, *parts = one.damage
    assert whole["kind"] == "none" and len(parts) == 3 * (6 + 12) and whole["n_test"] == one.n_test == 150
    assert whole["test_correct"] == one.curves[-1]["test_correct"]
    assert whole["test_loss"] == pytest.approx(one.curves[-1]["test_loss"], rel=1e-5)


@pytest.fixture(scope="module")
def baked(tmp_path_factory, data_folder):
    """A database of the smoke runs of both studies, by way of shards."""
    folder = tmp_path_factory.mktemp("wiring")
    settings = executors.Settings(folder / "shards", str(data_folder), "cpu")
    for study in (SMALL, PAPER):
        for group in study.groups(study.specs("smoke")):
            outcome = executors.train_group(group, settings)
            assert set(outcome.statuses.values()) == {"complete"}, outcome.errors
    build.build(folder / "shards", folder / "results.duckdb", "smoke")
    return folder / "results.duckdb"


def test_the_smoke_runs_of_both_studies_go_through_the_build(baked):
    results_file.verify(baked)
    with duckdb.connect(str(baked), read_only=True) as connection:
        rows = lambda query: connection.sql(query).fetchall()
        assert dict(rows("SELECT study, complete FROM studies")) == {SMALL.name: 12, PAPER.name: 2}
        ((graphs, configurations),) = rows("SELECT count(*), count(DISTINCT configuration) FROM graphs")
        assert graphs == 3 * configurations == 3 * (2 + 2 + 1 + 1)
        drawn = {}
        for spec in (*SMALL.specs("smoke"), *PAPER.specs("smoke")):
            drawn[spec.run_id] = spec.graphs
        for run_id, stage, source, target in rows(
            "SELECT run_id, stage, source, target FROM edges JOIN runs USING (configuration)"
        ):
            assert (source, target) in drawn[run_id][stage - 1].edges
        ((edges, weights),) = rows("SELECT (SELECT count(*) FROM edges JOIN runs USING (configuration)), (SELECT count(*) FROM edge_weights)")  # fmt: skip
        assert edges == weights == sum(len(graph.edges) for graphs in drawn.values() for graph in graphs)
        ((degrees,),) = rows("SELECT count(*) FROM (SELECT configuration, stage, sum(in_degree) AS a, sum(out_degree) AS b FROM nodes GROUP BY ALL) JOIN graphs USING (configuration, stage) WHERE a <> edges OR b <> edges")  # fmt: skip
        assert degrees == 0
        kinds = dict(rows("SELECT kind, count(*) FROM damage GROUP BY kind"))
        assert kinds == {"none": 14, "node": 3 * (12 * 6 + 2 * 8), "edge": edges}
        told = rows("SELECT family, graphs, runs, n > 0 AND n <= if(random, graphs, runs) FROM families WHERE study = 'wiring/cifar10_small' ORDER BY ALL")  # fmt: skip
        assert told == [("er", 2, 4, True), ("residual_chain", 1, 4, True), ("ws", 2, 4, True)]
        verdicts = dict(rows("SELECT claim, verdict FROM claims WHERE study = 'wiring/cifar10_small'"))
        assert set(verdicts) == {"W1", "W2", "W3", "W4", "W5"}
        assert {verdicts["W3"], verdicts["W4"]} == {"not shown"}, "two graphs"
        ((contrasts,),) = rows("SELECT count(*) FROM contrasts WHERE study = 'wiring/cifar10_small'")
        assert contrasts == 4
        assert rows('SELECT DISTINCT family, p FROM "wiring/cifar10"') == [("ws", 0.75)]


def test_a_database_without_its_shards_is_built_again_with_the_same_content(baked, tmp_path):
    copy = tmp_path / "results.duckdb"
    copy.write_bytes(baked.read_bytes())
    before = results_file.verify(copy)
    build.build(tmp_path / "no_shards", copy, "smoke")
    assert results_file.verify(copy) == before


def test_runs_of_an_older_file_without_the_new_tables_and_columns_are_taken_over(baked, tmp_path):
    older = tmp_path / "results.duckdb"
    older.write_bytes(baked.read_bytes())
    with duckdb.connect(str(older)) as connection:
        connection.execute("ALTER TABLE damage DROP COLUMN n_test")
        for table in ("edge_weights", "graphs", "nodes", "edges", "families"):
            connection.execute(f"DROP TABLE {table}")
    rows = results_file.published_rows(older)
    assert len(rows) == 14 and all(row["edge_weights"] == [] and "n_test" not in row["damage"][0] for row in rows)


def test_a_graph_that_is_not_the_one_that_was_trained_stops_the_build(baked, tmp_path, monkeypatch):
    """As another version of networkx could draw it."""
    copy = tmp_path / "results.duckdb"
    copy.write_bytes(baked.read_bytes())
    drawn = WiringSpec.graphs.fget
    swapped = lambda spec: drawn(spec)[::-1]
    monkeypatch.setattr(WiringSpec, "graphs", property(swapped))
    with pytest.raises(results_file.ResultsError, match="in a graph|without a weight"):
        build.build(tmp_path / "no_shards", copy, "smoke")
    assert copy.read_bytes() == baked.read_bytes()


def test_a_shard_from_before_the_damage_had_its_own_examples_reads_back(tmp_path):
    """Older shards of other studies have no n_test in their damage: NULL, all of the test set."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"run_id": "a" * 16, "damage": [{"kind": "block", "test_correct": 5}]}]
    fields = [field for field in shards.DAMAGE if field.name != "n_test"]
    nested = [(name, pa.list_(pa.struct(fields) if name == "damage" else struct)) for name, struct in shards.NESTED.items() if name != "edge_weights"]  # fmt: skip
    plain = [field for field in shards.SCHEMA if field.name not in shards.NESTED]
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([*plain, *nested])), tmp_path / "old.parquet", write_page_checksum=True)  # fmt: skip
    (read,) = shards.read(tmp_path)
    assert read["damage"][0]["test_correct"] == 5 and read["damage"][0].get("n_test") is None
    assert read["edge_weights"] == []
