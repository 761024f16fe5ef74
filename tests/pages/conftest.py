import functools
import os
import shutil
from pathlib import Path

import duckdb
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from explorer import views
from precompute import build
from tests.pages.reading import ask
from tests.results_files import FIXTURE

ROOT = Path(__file__).resolve().parents[2]
MOST_KEPT = 40  # views that have been opened: some hold several megabytes


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once():
    """Every AppTest reads the metadata of all installed packages, which do not change while the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture
def opened():
    """Opens a page as a reader with that address and browser language would: opened("runs", lang="ko", run=ID)."""

    def open_page(page: str, /, *, locale: str = "en-US", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        app.context = {"locale": locale, "url": "http://localhost:8501/"}
        if page != "home":
            app.switch_page(f"pages/{page}.py")
        # No browser draws the first picture here or measures a presenter's screen, so that the page would wait for them.
        app.session_state[f"{page}.drawn"] = True
        app.session_state[views.SCREEN] = views.SMALLEST_SCREEN
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_page


@pytest.fixture
def changed(database, tmp_path, monkeypatch):
    """Runs statements on a copy of the database of the test's module, or of the file given, and lets the page read it."""

    def change(*statements: str, of: Path | None = None) -> Path:
        file = tmp_path / f"changed-{len(list(tmp_path.iterdir()))}.duckdb"  # the one before may still be open
        shutil.copy(of or database, file)
        with duckdb.connect(str(file)) as connection:
            for statement in statements:
                connection.execute(statement)
        monkeypatch.setenv("WHY_RESULTS", str(file))
        return file

    return change


@pytest.fixture
def nothing_baked(results_file, tmp_path, monkeypatch) -> Path:
    """Lets the pages read a database in which no study has a run."""
    path = tmp_path / "results.duckdb"
    shutil.copy(results_file, path)
    with duckdb.connect(str(path)) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        for (table,) in tables:
            if table not in ("meta", "claims", "published"):
                connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE claims SET study = NULL, verdict = 'not tested here'")
    monkeypatch.setenv("WHY_RESULTS", str(path))
    return path


@pytest.fixture(scope="session")
def rebuilt(planted_once) -> Path:
    """The tiny real database of the tests, its evidence computed again from its runs by the code as it is."""

    def plant(folder: Path) -> Path:
        file = shutil.copy(FIXTURE, folder / "results.duckdb")
        build.build(folder / "no shards", file, "smoke")
        return file

    return planted_once("rebuilt", plant)


@pytest.fixture(scope="session")
def kept() -> dict:
    return {}


@pytest.fixture
def once(opened, kept):
    """Opens a view of a page on a results file once for all tests, of one module or several, that only read it."""

    def view(page: str, **query: str) -> AppTest:
        asked = (os.environ["WHY_RESULTS"], page, *sorted(({"lang": "en"} | query).items()))
        if asked not in kept:
            if len(kept) >= MOST_KEPT:
                del kept[next(iter(kept))]
            kept[asked] = opened(page, **dict(asked[2:]))
            assert not kept[asked].exception
        return kept[asked]

    return view


@pytest.fixture
def without_runs(changed, opened):
    """Opens the page of a question on the database of the tests without any run, where it says so and shows the published numbers."""

    def open_page(question: str, language: str) -> AppTest:
        emptied = (
            "runs",
            "curves",
            "intervals",
            "contrasts",
            "claim_parts",
            "configurations",
            "maps",
            "studies",
            "families",
        )
        file = changed(*(f"DELETE FROM {table}" for table in emptied))
        app = opened(question, lang=language)
        assert not app.exception
        assert ("not baked yet" if language == "en" else "아직") in app.info[0].value
        [(published,)] = ask(file, f"SELECT count(*) FROM published WHERE question = '{question}'")
        assert len(app.dataframe[0].value) == published
        return app

    return open_page
