"""Other studies in the place of the first: their maps, axes, variants and scales."""

import json
import re

import pytest

from tests.pages.generalization.conftest import (
    linked_map,
    panels,
    percentages,
)
from tests.pages.reading import ask, charts
from tests.results_files import SHIPPED

SWITCHED = ["cifar10_cnn_small", "random_features", "sample_wise", "regularization"]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("study", SWITCHED)
def test_a_study_in_the_address_is_the_one_that_is_drawn_said_and_repeated(opened, database, study, language):
    app = opened("generalization", lang=language, study=study, scale="all", measure="test")
    assert not app.exception
    assert not app.info
    name = f"double_descent/{study}"
    key = int(
        re.search(r"-- map (\d+): (\S+),", next(b.value for b in app.code if b.value.startswith("-- map"))).group(1)
    )
    sql = f"""
        SELECT CAST(c.x AS INTEGER), i.epoch, i.mean FROM intervals i JOIN configurations c USING (configuration)
        WHERE c.study = '{name}' AND c.map = {key} AND i.measure = 'test_error' AND i.epoch IS NOT NULL
    """
    expected = {(x, epoch): mean for x, epoch, mean in ask(database, sql)}
    _, tables, _ = linked_map(app)
    drawn = {(row["width"], row["epoch"]): row["a"] for row in tables["cells"].to_pylist() if row["state"] == "value"}
    assert drawn.keys() == expected.keys()
    assert drawn == pytest.approx(expected, abs=1e-6)
    end = max(expected)
    assert percentages(app.title[0].value)[-1] == f"{100 * expected[end]:.1f}"
    assert len(re.sub("\u2060", "", app.title[0].value).split()) <= 10
    codes = [block.value for block in app.code]
    assert f"python -m precompute run {name}" in codes
    assert len({alt for _, _, alt in charts(app)}) == len(charts(app))
    text = " ".join(caption.value for caption in app.caption)
    assert name in text


@pytest.mark.parametrize(
    "study, ours, differs",
    [
        ("mnist_mlp", "mnist_mlp", "one hidden layer and 500 MNIST images, 40 epochs"),
        ("cifar10_cnn_small", "cifar10_cnn_small", "256 images at 16 × 16 pixels, without either, at a learning rate of 0.001"),
        ("random_features", "mnist_mlp", "one hidden layer and 500 MNIST images"),
        ("sample_wise", "mnist_mlp", "one hidden layer and 500 MNIST images"),
        ("regularization", "mnist_mlp", "one hidden layer and 500 MNIST images"),
    ],
)  # fmt: skip
def test_beside_the_published_stands_the_study_that_is_shown(once, database, study, ours, differs):
    app = once("generalization", study=study)
    [told] = [each.value for each in app.markdown if each.value.startswith("Compare shapes")]
    assert differs in told
    assert ("MNIST" in told) is (ours == "mnist_mlp")
    name = {"mnist_mlp": "MNIST, fully connected", "cifar10_cnn_small": "CIFAR-10, small CNN"}[ours]
    assert any(each.value.startswith(f"**Ours, {name}:") for each in app.markdown)
    rows = next(tables["rows"] for _, tables, _ in charts(app) if "wrong labels" in str(tables.get("rows", {})))
    sql = f"""
        SELECT CAST(c.x AS INTEGER), i.mean FROM intervals i JOIN configurations c USING (configuration) WHERE i.measure = 'test_error'
        AND c.study = 'double_descent/{ours}' AND i.epoch = (SELECT max(epoch) FROM intervals JOIN configurations d USING (configuration) WHERE d.study = c.study)
    """
    drawn = sorted(zip(rows["width"].to_pylist(), rows["mean"].to_pylist(), strict=True))
    assert sum(drawn, ()) == pytest.approx(sum(sorted(ask(database, sql)), ()))


@pytest.mark.parametrize(
    "language, words", [("en", "each with batch normalization"), ("ko", "배치 정규화(batch normalization)")]
)
def test_the_setup_of_the_cnn_says_that_it_has_batch_normalization(once, database, language, words):
    [(norms,)] = ask(
        database, "SELECT list(DISTINCT settings->>'norm') FROM maps WHERE study = 'double_descent/cifar10_cnn_small'"
    )
    assert norms == ["batch"]
    app = once("generalization", study="cifar10_cnn_small", lang=language)
    assert words in next(each.value for each in app.markdown if "CIFAR-10" in each.value)


def test_planned_runs_of_the_study_that_are_missing_are_said(opened, changed):
    changed("UPDATE studies SET planned = 60 WHERE study = 'double_descent/cifar10_cnn_small'")
    cnn = opened("generalization", study="cifar10_cnn_small")
    assert next(each.value for each in cnn.markdown if "CIFAR-10" in each.value).endswith(
        "So far 18 of 60 planned runs."
    )
    assert not any("planned runs" in each.value for each in opened("generalization").markdown)


def test_random_features_are_named_so_on_their_axes_and_never_called_epochs(opened, database):
    app = opened("generalization", study="random_features", measure="loss")
    spec, tables, alt = linked_map(app)
    words = json.dumps([spec["vconcat"], alt])
    assert "Random features" in words and "Time of gradient flow" in words and "Squared error" in words
    assert "Epoch" not in words and "epoch " not in words and "nats" not in words
    assert max(tables["cells"]["epoch"].to_pylist()) > 32_767
    frames = [set(frame.value.columns) for frame in app.dataframe]
    assert any({"features", "time", "test_loss"} <= columns for columns in frames)


def test_the_control_switches_the_study_and_forgets_what_only_the_other_has(opened, database):
    app = opened("generalization", width="8", epoch="1", noise="0.0", reading="up")
    app.selectbox(key="address.study").select("random_features").run()
    assert not app.exception
    assert not app.info
    assert app.query_params["study"] == "random_features"
    assert app.query_params["reading"] == "up"
    assert not {"width", "epoch", "noise"} & set(app.query_params)
    assert "features" in linked_map(app)[2]
    app.selectbox(key="address.study").select("mnist_mlp").run()
    assert not app.exception
    assert "study" not in app.query_params


@pytest.mark.parametrize("asked", ["imagenet", "double_descent/mnist_mlp", ""])
def test_an_unknown_study_falls_back_with_a_notice(opened, database, asked):
    app = opened("generalization", study=asked)
    assert not app.exception
    assert any("MNIST, fully connected" in box.value for box in app.info)
    assert any(block.value == "python -m precompute run double_descent/mnist_mlp" for block in app.code)


def test_a_study_without_complete_runs_is_not_offered(opened, changed):
    changed(
        "UPDATE studies SET complete = 0 WHERE study LIKE '%random_features'",
    )
    app = opened("generalization", study="random_features")
    assert not app.exception
    assert app.info
    assert "random features (theory)" not in app.selectbox(key="address.study").options


def test_the_variant_is_a_control_where_maps_differ_in_more_than_label_noise(opened, database):
    app = opened("generalization", study="regularization")
    control = app.selectbox(key="address.variant")
    sql = "SELECT DISTINCT CAST(settings->>'weight_decay' AS DOUBLE) FROM maps WHERE study = 'double_descent/regularization' ORDER BY 1"
    decays = [decay for (decay,) in ask(database, sql)]
    assert control.options == [f"weight decay {decay:g}" for decay in decays]
    assert control.value == "0"
    before = linked_map(app)[1]["cells"]
    control.select(f"{decays[-1]:g}").run()
    assert not app.exception
    assert app.query_params["variant"] == f"{decays[-1]:g}"
    assert linked_map(app)[1]["cells"] != before
    assert len(panels(app)) == len(decays)
    app = opened("generalization", study="regularization", variant="7")
    assert not app.exception
    assert any("weight decay 0" in box.value for box in app.info)


def test_variants_with_other_epochs_mark_the_nearest_that_was_sampled(opened, database):
    app = opened("generalization", study="sample_wise")
    keys = "SELECT DISTINCT CAST(settings->>'n_train' AS INTEGER) AS n, CAST(settings->>'epochs' AS INTEGER) AS e FROM maps"
    variants = ask(database, f"{keys} WHERE study = 'double_descent/sample_wise' ORDER BY n, e")
    assert app.selectbox(key="address.variant").options == [f"{n:,} images, {e:,} epochs" for n, e in variants]
    drawn = panels(app)
    assert len(drawn) == len(variants)
    for (_, epochs), (_, tables, _) in zip(variants, drawn, strict=True):
        assert max(tables["cells"]["epoch"].to_pylist()) == epochs
        assert tables["picked"]["e"].to_pylist()[0] <= max(tables["cells"]["e"].to_pylist())


def test_one_colour_scale_for_all_studies_is_the_readers_choice(once, database):
    def domain(**query):
        return linked_map(once("generalization", **query))[0]["vconcat"][0]["layer"][0]["encoding"]["color"]["scale"][
            "domain"
        ]

    assert domain(scale="all") == domain(scale="all", study="regularization")
    assert domain(scale="all")[1] >= max(domain()[1], domain(study="regularization")[1])


def test_a_study_without_variants_asks_for_none_and_says_nothing_of_one(opened, database):
    app = opened("generalization", variant="7")
    assert not app.exception and not app.info


def test_another_variant_takes_the_cell_that_its_map_may_not_have(opened, database):
    """Its epochs may be fewer."""
    app = opened("generalization", study="sample_wise", variant="250-40")
    cell = linked_map(app)[1]["cells"].to_pylist()[-1]
    picked = {"epoch": str(cell["epoch"]), "width": str(cell["width"])}
    app = opened("generalization", study="sample_wise", variant="250-40", **picked)
    assert not app.info
    app.selectbox(key="address.variant").select("250-20").run()
    assert app.query_params["variant"] == "250-20" and not picked.keys() & set(app.query_params)
    assert not app.exception and not app.info


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("database", [SHIPPED], indirect=True)
@pytest.mark.parametrize("study", ["mnist_mlp", "cifar10_cnn_small"])
def test_runs_that_had_not_settled_by_the_end_are_counted_under_the_map(once, database, study, language):
    runs = ask(
        database,
        """
        SELECT list(train_correct ORDER BY epoch), any_value(n_train)
        FROM curves JOIN runs USING (run) JOIN configurations c USING (configuration)
        WHERE c.study = ? AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 GROUP BY run
        """,
        f"double_descent/{study}",
    )
    k = sum(max(correct) - correct[-1] > 0.05 * n for correct, n in runs)
    told = " ".join(text.value for text in once("generalization", lang=language, study=study).caption)
    words = {"en": f"In {k} of the {len(runs)} runs of this map", "ko": f"실행 {len(runs)}개 가운데 {k}개는"}[language]
    assert (words in told) is (k > 0) is (study == "cifar10_cnn_small")
