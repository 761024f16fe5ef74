"""The commands of the README files, run as they stand."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
import venv
from pathlib import Path

import pytest

from explorer import database
from precompute.results_file import verify
from tests.results_files import SHIPPED, own_results

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """The lines of all shell blocks, comments cut off."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


KINDS = {
    "starts the app": r"pip install -r requirements\.txt && streamlit run streamlit_app\.py",
    "starts the tests": r"pip install -r tests/requirements\.txt && pytest",
    "installs": r"pip install -r precompute/requirements\.txt",
    "changes nothing": r"python -m precompute (plan|verify)( .*)?",
    "trains, bakes or measures": r"python -m precompute (run|build|benchmark)( .*)?",
    "shows two files": r"WHY_RESULTS=\S+ streamlit run streamlit_app\.py",
}
"""What the commands of the README do; each kind has its test."""


def test_the_first_command_starts_the_app_in_a_fresh_environment(tmp_path):
    """Nothing but requirements.txt is installed, so this also holds that the app needs no torch, scipy or playwright."""
    command = next(line for line in commands(README) if "streamlit run" in line)
    venv.create(tmp_path / "venv", with_pip=True)
    bin_folder = tmp_path / "venv" / "bin"
    environment = {
        key: value for key, value in os.environ.items() if key not in ("WHY_RESULTS", "PYTHONPATH", "VIRTUAL_ENV")
    }
    environment |= {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    try:
        _check_that_it_starts(command, environment)
    except EndedAtOnce:  # another program has taken the port meanwhile
        _check_that_it_starts(command, environment)
    script = (
        "from streamlit.testing.v1 import AppTest; import sys; app = AppTest.from_file('streamlit_app.py', default_timeout=60);"
        "app.session_state['home.drawn'] = True; app.run();"
        "assert not app.exception and app.title, app; assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    shown = subprocess.run(
        [str(bin_folder / "python"), "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr[-2000:]


class EndedAtOnce(Exception):
    """The app ended before it answered, with what it said."""


def _check_that_it_starts(command: str, environment: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=ROOT, env=environment | {"STREAMLIT_SERVER_PORT": str(port)},
            stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            for _ in range(600):
                if process.poll() is not None:
                    said.seek(0)
                    raise EndedAtOnce(said.read()[-2000:])
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                        assert answer.read() == b"ok"
                        return
                except OSError:
                    time.sleep(0.5)
            said.seek(0)
            pytest.fail("the app did not start: " + said.read()[-2000:])
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 15)
            process.wait(timeout=30)


def test_the_second_command_is_what_ci_runs():
    (expression,) = re.findall(r"test_command=\$\(sed -n '(.*)' README\.md\)", (ROOT / ".ci" / "run").read_text())
    found = subprocess.run(["sed", "-n", expression, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "pip install -r tests/requirements.txt && pytest\n"
    assert found.stdout.strip() in commands(README)


@pytest.mark.parametrize("command", [line for line in commands(README) if re.match(KINDS["changes nothing"], line)])
def test_the_commands_that_change_nothing_run_on_the_shipped_database(command):
    arguments = command.split()[1:]
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    if "verify" in arguments:
        assert "as it says" in done.stdout


@pytest.mark.parametrize(
    "command", [line for line in commands(README) if re.match(KINDS["trains, bakes or measures"], line)]
)
def test_the_other_commands_are_ones_the_program_knows(command):
    """Run in full elsewhere (tests/precompute/test_commands.py); here only that every word of them is understood."""
    from precompute.__main__ import COMMANDS
    from precompute.arguments import parser

    options = parser(COMMANDS).parse_args(command.split()[3:])
    assert callable(options.command)


def test_the_sample_query_of_the_data_runs():
    block = re.search(r"```sh\n(.*?)```", (ROOT / "data" / "README.md").read_text(), re.DOTALL).group(1)
    done = subprocess.run(
        ["bash", "-c", block.replace("python ", f"{sys.executable} ", 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 and "test_error_percent" in done.stdout, done.stderr


@pytest.mark.parametrize("command", sorted(set(commands(README))))
def test_every_command_is_of_a_kind_that_is_tested(command):
    assert len([kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, command)]) == 1


def test_two_files_named_as_the_readme_has_them_lie_over_one_another(tmp_path, monkeypatch):
    (command,) = (line for line in commands(README) if re.fullmatch(KINDS["shows two files"], line))
    own = own_results(SHIPPED, tmp_path / "own.duckdb", without="false")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("WHY_RESULTS", command.split()[0].partition("=")[2].replace("own.duckdb", str(own)))
    assert database.meta()["content_hash"] == verify(SHIPPED)
    assert database.own_meta()["content_hash"] == "a hash of my own"


def test_the_files_that_the_readme_names_are_there():
    for name in re.findall(r"`((?:data|explorer|precompute|tests|pages)/[\w./]*)`", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / name).exists(), name


def test_every_requirement_is_pinned_and_the_app_needs_no_torch():
    files = [ROOT / "requirements.txt", *ROOT.glob("*/requirements*.txt")]
    assert len(files) == 4
    for file in files:
        lines = [line for line in file.read_text().splitlines() if line and not line.startswith(("#", "-r"))]
        assert lines and all(re.fullmatch(r"[\w.-]+==[\w.+-]+", line) for line in lines), file
    assert "torch" not in (ROOT / "requirements.txt").read_text()


def test_pyproject_holds_nothing_but_ruff_and_pytest():
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())) == {"tool"}
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]) == {"ruff", "pytest"}
