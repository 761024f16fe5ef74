"""The commands of the README files, run as they stand."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """The lines of all shell blocks, comments cut off."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_the_first_command_starts_the_app_in_a_fresh_environment(tmp_path):
    """Nothing but requirements.txt is installed, so this also holds that the app needs no torch, scipy or playwright."""
    command = next(line for line in commands(README) if "streamlit run" in line)
    venv.create(tmp_path / "venv", with_pip=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bin_folder = tmp_path / "venv" / "bin"
    environment = {
        key: value for key, value in os.environ.items() if key not in ("WHY_RESULTS", "PYTHONPATH", "VIRTUAL_ENV")
    }
    environment |= {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()[-2000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                    assert answer.read() == b"ok"
                    break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail("the app did not start: " + log.read_text()[-2000:])
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)
    script = (
        "from streamlit.testing.v1 import AppTest; import sys; app = AppTest.from_file('streamlit_app.py', default_timeout=60).run();"
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


def test_the_second_command_is_what_ci_runs():
    assert "pip install -r tests/requirements.txt && pytest" in commands(README)
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    "command", [line for line in commands(README) if re.match(r"python -m precompute (plan|verify)", line)]
)
def test_the_commands_that_change_nothing_run_on_the_shipped_database(command):
    arguments = command.split()[1:]
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    if "verify" in arguments:
        assert "as it says" in done.stdout


@pytest.mark.parametrize(
    "command", [line for line in commands(README) if re.match(r"python -m precompute (run|build)", line)]
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


def test_the_files_that_the_readme_names_are_there():
    for name in re.findall(r"`((?:data|explorer|precompute|tests|pages)/[\w./]*)`", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / name).exists(), name


def test_every_requirement_is_pinned_and_the_app_needs_no_torch():
    for name in ("requirements.txt", "precompute/requirements.txt", "tests/requirements.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r"))]
        assert all(re.fullmatch(r"[\w.-]+==[\w.+-]+", line) for line in lines), name
    assert "torch" not in (ROOT / "requirements.txt").read_text()


def test_pyproject_holds_nothing_but_ruff_and_pytest():
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())) == {"tool"}
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]) == {"ruff", "pytest"}
