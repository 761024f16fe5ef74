"""pages -> explorer -> data/schema.sql <- precompute: nothing else points across."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "streamlit_app.py": {"torch", "precompute", "tests"},
    "pages": {"torch", "precompute", "tests", "duckdb", "altair"},
    "explorer": {"torch", "precompute", "tests", "pages", "scipy"},
    "precompute": {"streamlit", "altair", "explorer", "pages", "tests"},
}
FILES = [
    (top, path)
    for top in FORBIDDEN
    for path in ([ROOT / top] if top.endswith(".py") else sorted((ROOT / top).rglob("*.py")))
]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(("top", "path"), FILES, ids=lambda value: getattr(value, "name", value))
def test_imports_point_one_way(top, path):
    assert not imported(path) & FORBIDDEN[top]


def test_every_folder_that_the_rule_is_about_is_there():
    assert {top for top, _ in FILES} == set(FORBIDDEN)


def test_planning_does_not_wait_for_torch():
    """`--help`, and what status and build import, come without it."""
    code = "import sys, precompute.__main__, precompute.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120, check=False).returncode == 0


def test_no_file_of_the_project_is_too_large_for_its_history():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    large = {name for name in tracked.split("\0") if name and (ROOT / name).stat().st_size > 25 * 2**20}
    assert not large
