"""All tests read the tiny real database of tests/fixtures, or the one that WHY_RESULTS names. Two run at a time, except those that
time something or count the processes of the machine, which are marked `alone`."""

import fcntl
import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAIN = sys.modules["__main__"]
os.environ.setdefault("WHY_RESULTS", str(ROOT / "tests" / "fixtures" / "results.duckdb"))


@pytest.fixture
def results_file() -> Path:
    """The results file that the tests read. To be copied before it is changed."""
    return Path(os.environ["WHY_RESULTS"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Nothing else is tested while a test runs that is marked `alone`, by this worker of pytest-xdist or another; and none finds the page
    that Streamlit ran last in the place of the main program, which processes that are spawned would run again."""
    sys.modules["__main__"] = MAIN
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"one-{os.getpid()}")
    with open(Path(tempfile.gettempdir()) / f"works-but-why-tests-{run}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        return (yield)
