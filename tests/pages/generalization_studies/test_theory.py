"""The section on theory beside measurement, and the critical papers."""

import pytest

from tests.pages.generalization_studies.conftest import LAST, ask, both, charts, headings, said


def test_theory_and_networks_are_drawn_at_parameters_over_labelled_outputs(seen):
    app = seen()
    rows = charts(app)["theory"][1]["rows"].to_pylist()
    sql = f"""
        SELECT split_part(c.study, '/', 2), CAST(c.settings->>'label_noise' AS DOUBLE), CAST(c.x AS INTEGER),
               c.n_params / (10 * CAST(c.settings->>'n_train' AS INTEGER)), i.mean
        FROM intervals i JOIN configurations c USING (configuration)
        WHERE i.measure = 'test_error' AND i.epoch = {LAST} AND c.study IN ('double_descent/random_features', 'double_descent/mnist_mlp', 'double_descent/cifar10_cnn_small')
    """
    expected = {(study, noise, x): (ratio, mean) for study, noise, x, ratio, mean in ask(sql)}
    drawn = {(row["study"], row["noise"], row["width"]): (row["ratio"], row["mean"]) for row in rows}
    assert set(drawn) == set(expected)
    for place, pair in expected.items():
        assert drawn[place] == pytest.approx(pair)
    peak = ask(
        "SELECT position FROM landmarks JOIN maps USING (map) WHERE study = 'double_descent/random_features' AND kind = 'ridge_across'"
        " AND CAST(settings->>'label_noise' AS DOUBLE) = 0.2 ORDER BY line DESC LIMIT 1"
    )[0][0]
    heading = next(each for each in headings(app) if each.startswith("Parameters per labelled output"))
    assert f"exact model: {peak / 100:.2g};" in heading
    assert heading.endswith("; MNIST, fully connected: no clear peak; CIFAR-10, small CNN: no clear peak")
    assert "Measured beside it: MNIST, fully connected; CIFAR-10, small CNN." in said(app)


@both
def test_the_four_papers_stand_with_their_numbers_and_our_verdicts(seen, language):
    text = "\n".join(each.value for each in seen(lang=language).markdown)
    for number in ("2310.18988", "2003.01897", "2303.14151", "2007.10099"):
        assert text.count(number) == 1
    claims = {"G8", "G1", "G3", "G4"}
    told = " ".join(part for part in text.split("\n") if "arXiv" in part)
    assert {claim for claim in claims if claim in told} == claims
