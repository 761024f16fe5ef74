"""Networks that are dead before they are trained."""

import pytest

from tests.activation_runs import CNN, DEAD
from tests.pages.activation.conftest import FINAL, with_table
from tests.pages.reading import ask


def test_counts_of_dead_networks_are_drawn_under_their_bound(seen, database):
    ((_, tables, _),) = with_table(seen(), "counted")
    expected = ask(database, f'SELECT v.width, v.depth, c.value / c.trials FROM counts c JOIN "{DEAD}" v USING (run)')
    drawn = {(int(row["width"]), row["depth"]): row["share"] for row in tables["counted"].to_pylist()}
    assert drawn == pytest.approx({(width, depth): share for width, depth, share in expected}, abs=1e-6)
    bounds = {(int(row["width"]), row["depth"]): row["share"] for row in tables["bounds"].to_pylist()}
    assert bounds[2, 10] == pytest.approx(1 - (1 - 0.25) ** 9, abs=1e-6)


def test_the_readers_own_width_and_depth_are_in_the_address(opened, database):
    app = opened("activation", n="2", l="20", study="cifar10_cnn_small", norm="none", axis="linear")
    told = next(each.value for each in app.markdown if "Width 2, 20 layers" in each.value)
    ((value, trials),) = ask(
        database,
        f'SELECT c.value, c.trials FROM counts c JOIN "{DEAD}" v USING (run) WHERE v.width = 2 AND v.depth = 20',
    )
    assert "99.6%" in told and f"{value:,} of {trials:,}" in told
    own = with_table(app, "own")[0][1]["own"].to_pylist()
    assert own == [{"depth": 20, "share": pytest.approx(1 - 0.75**19, abs=1e-6)}]
    dots = with_table(app, "dots")[0][1]["dots"].to_pylist()
    expected = ask(database, FINAL.format(study=CNN, where="v.norm = 'none'"))
    assert sorted(dot["error"] for dot in dots) == pytest.approx(sorted(row[4] for row in expected), abs=1e-6)


def test_where_no_count_of_dead_networks_came_to_its_end_the_bound_stands_alone(opened, changed):
    changed(f"UPDATE runs SET status = 'failed' WHERE study = '{DEAD}'", "DELETE FROM counts")
    app = opened("activation")
    assert not app.exception and not with_table(app, "counted")
    assert any(f"no finished run of `{DEAD}`" in each.value for each in app.markdown)
    assert any("Width 4, 10 layers" in each.value for each in app.markdown)
