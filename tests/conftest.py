"""All tests read the tiny real database of tests/fixtures, or the one that WHY_RESULTS names. Two run at a time, except those that
time something or count the processes of the machine, which are marked `alone`."""

import fcntl
import functools
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import altair as alt
import jsonschema
import pytest

from explorer.charts.style import Picture
from tests.results_files import own_results

ROOT = Path(__file__).resolve().parent.parent
MAIN = sys.modules["__main__"]
os.environ.setdefault("WHY_RESULTS", str(ROOT / "tests" / "fixtures" / "results.duckdb"))


@pytest.fixture
def results_file() -> Path:
    """The results file that the tests read. To be copied before it is changed."""
    return Path(os.environ["WHY_RESULTS"])


@pytest.fixture
def laid(tmp_path, monkeypatch) -> Callable[..., Path]:
    """Lays a copy of a file, with some of its runs, over it, as one's own results: laid(file, without="seed = 0")."""

    def lay(published: Path, **how) -> Path:
        path = own_results(published, tmp_path / "own.duckdb", **how)
        monkeypatch.setenv("WHY_RESULTS", f"{published}{os.pathsep}{path}")
        return path

    return lay


@pytest.fixture
def own(results_file, laid) -> Path:
    """One's own results over those that the tests read: every second run."""
    return laid(results_file)


@pytest.fixture(scope="session")
def planted_once(tmp_path_factory) -> Callable[[str, Callable[[Path], Path]], Path]:
    """A results file that no test changes, made once for all workers of pytest-xdist: planted_once(name, plant), where plant(folder) makes it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, plant: Callable[[Path], Path]) -> Path:
        folder = base / f"planted_once_{name}"
        made = folder / "made"
        with open(base / f"{folder.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                folder.mkdir(exist_ok=True)
                made.write_text(str(plant(folder)))
        return Path(made.read_text())

    return make


@pytest.fixture(autouse=True)
def no_results_file_is_held_over_from_another_test():
    if streamlit := sys.modules.get("streamlit"):
        streamlit.cache_data.clear()


@pytest.fixture(scope="session", autouse=True)
def every_specification_is_valid_vega_lite():
    """Raises jsonschema's ValidationError where a test lets a picture be drawn that is none; the same one is looked at once."""
    drawn, schema = Picture.specification, jsonschema.Draft7Validator(alt.load_schema())

    @functools.cache
    def hold_against_the_schema(specification: str) -> None:
        schema.validate(json.loads(specification))

    def specification(picture: Picture) -> dict:
        made = drawn(picture)
        hold_against_the_schema(json.dumps({name: part for name, part in made.items() if name != "datasets"}))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picture, "specification", specification)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Nothing else is tested while a test runs that is marked `alone`, by this worker of pytest-xdist or another; and none finds the page
    that Streamlit ran last in the place of the main program, which processes that are spawned would run again."""
    sys.modules["__main__"] = MAIN
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"one-{os.getpid()}")
    name = f"works-but-why-tests-{run}"
    with open(Path(tempfile.gettempdir()) / f"{name}.lock", "w") as lock:
        with open(Path(tempfile.gettempdir()) / f"{name}.turn", "w") as turn:
            # A test that waits to be alone waits here, so that the others do not overtake it.
            fcntl.flock(turn, fcntl.LOCK_EX)
            fcntl.flock(lock, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        return (yield)
