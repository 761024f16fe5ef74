"""python -m precompute as a user calls it, in a process of its own."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from precompute import __main__ as command_line
from precompute import shards
from precompute.arguments import chosen
from precompute.build import build
from precompute.engine import Engine, write
from precompute.results_file import verify
from precompute.studies import STUDIES

ROOT = Path(__file__).parents[2]
STUDY = STUDIES["double_descent/mnist_mlp"]
CNN = "double_descent/cifar10_cnn"


@pytest.fixture
def places(tmp_path, data_folder):
    """Options for a database and shards of its own, and the environment."""
    options = ["--size", "smoke", "--shards", str(tmp_path / "shards"), "--database", str(tmp_path / "results.duckdb")]
    return options, os.environ | {"WHY_DATASETS": str(data_folder), "HF_HUB_OFFLINE": "1"}


def call(places, command, *arguments, **changes) -> subprocess.CompletedProcess:
    options, environment = places
    return subprocess.run(
        [sys.executable, "-m", "precompute", command, *arguments, *options],
        cwd=ROOT, env=environment | changes, capture_output=True, text=True, timeout=600, check=False)  # fmt: skip


def start(places, command, *arguments) -> subprocess.Popen:
    options, environment = places
    return subprocess.Popen(
        [sys.executable, "-m", "precompute", command, *arguments, *options],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def kill(process: subprocess.Popen) -> None:
    """The whole family at once, as a power loss would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Undisturbed(NamedTuple):
    """Run and build without a disturbance."""

    content: str
    """The content hash that they end with."""
    shards: Path
    run_s: float
    """Seconds that the run took on this machine, as busy as it is."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, data_folder) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    options = ["--size", "smoke", "--shards", str(folder / "shards"), "--database", str(folder / "results.duckdb")]
    places = options, os.environ | {"WHY_DATASETS": str(data_folder)}
    before = time.perf_counter()
    assert call(places, "run", STUDY.name, "--executor", "serial").returncode == 0
    took = time.perf_counter() - before
    assert call(places, "build").returncode == 0
    return Undisturbed(verify(folder / "results.duckdb"), folder / "shards", took)


def content_of(places) -> str:
    """The content hash of a database that is built of the shards that are there."""
    _, _, _, folder, _, database = places[0]
    build(Path(folder), Path(database), "smoke")
    return verify(Path(database))


def test_plan_run_status_build_verify_as_the_readme_has_them(places, undisturbed):
    planned = call(places, "plan")
    assert planned.returncode == 0 and "double_descent/mnist_mlp" in planned.stdout and " 24, " in planned.stdout
    trained = call(places, "run", "double_descent/mnist_mlp", "--workers", "2")
    assert trained.returncode == 0 and "[9/9]" in trained.stdout and "complete" in trained.stdout
    assert call(places, "status").stdout.splitlines()[1].split() == ["double_descent/mnist_mlp", "24", "0", "0", "0"]
    assert "nothing to train" in call(places, "run", STUDY.name).stdout
    assert call(places, "build").returncode == 0
    checked = call(places, "verify")
    assert checked.returncode == 0 and undisturbed.content in checked.stdout, (
        "two workers give the same content as one process"
    )
    run_id = STUDY.specs("smoke")[0].run_id
    repeated = call(places, "run", "--run-id", run_id)
    assert repeated.returncode == 0 and "every number of all" in repeated.stdout, repeated.stdout + repeated.stderr


def test_plan_prices_studies_for_a_gpu_on_a_card_that_is_stated_or_measured(places, tmp_path):
    stated = call(places, "plan", CNN, STUDY.name)
    assert stated.returncode == 0 and "stated, not measured" in stated.stdout
    assert [" on a card" in line for line in stated.stdout.splitlines()[-2:]] == [True, False]
    engines = tmp_path / "engines.json"
    write(Engine(device="a card", torch="2", seconds_per_layer=1e-2, way="streams", beside_up_to=8), engines)
    measured = call(places, "plan", CNN, STUDY.name, "--device", "cuda", "--engines", str(engines))
    assert "a card, measured with torch 2" in measured.stdout
    assert [" on a card" in line for line in measured.stdout.splitlines()[-2:]] == [True, True]
    engines.write_text("{")
    damaged = call(places, "plan", "--engines", str(engines))
    assert damaged.returncode == 2 and "no file of measured cards" in damaged.stderr


def test_a_run_killed_at_ten_random_moments_ends_with_the_same_content(places, undisturbed):
    moments, in_the_middle = random.Random(7), 0
    folder, database = Path(places[0][3]), Path(places[0][5])
    for turn in range(10):
        process = start(places, "run", STUDY.name, "--executor", "serial")
        if turn % 2:  # the others may all come before the first group has ended: to start takes long on a busy machine
            _wait_for_one_more_in(folder, process)
            time.sleep(moments.uniform(0, 0.1) * undisturbed.run_s)
        else:
            time.sleep(moments.uniform(0.1, 1) * undisturbed.run_s)
        if alive := process.poll() is None:
            kill(process)
        rows = list(shards.read(folder, ("run_id", "status"))) if folder.exists() else []
        assert len({row["run_id"] for row in rows}) == len(rows), "nothing is there twice"
        assert not (folder / "bad").exists(), "nothing is torn"
        in_the_middle += alive and 0 < len(rows) < 24
        if len(rows) == 24:  # what follows would have nothing left to do
            assert content_of(places) == undisturbed.content
            shutil.rmtree(folder)
            database.unlink()
    assert in_the_middle, "no run was killed between two groups"
    assert call(places, "run", STUDY.name, "--executor", "serial").returncode == 0
    assert content_of(places) == undisturbed.content


def _wait_for_one_more_in(folder: Path, process: subprocess.Popen) -> None:
    before, deadline = len(list(folder.glob("*.parquet"))), time.monotonic() + 300
    while process.poll() is None and len(list(folder.glob("*.parquet"))) <= before and time.monotonic() < deadline:
        time.sleep(0.01)


def test_workers_end_when_their_parent_is_killed(places):
    process = start(places, "run", STUDY.name, "--workers", "2")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 60
    while (
        len(workers := children.read_text().split()) < 3 and time.monotonic() < deadline
    ):  # two and the resource tracker
        time.sleep(0.1)
    assert len(workers) == 3
    time.sleep(2)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while any(_lives(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_lives(worker) for worker in workers)


def _lives(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_build_killed_at_ten_random_moments_leaves_the_old_database_or_the_new(places, undisturbed):
    moments, database = random.Random(7), Path(places[0][5])
    shutil.copytree(undisturbed.shards, places[0][3])
    before = time.perf_counter()
    assert call(places, "build").returncode == 0
    took = time.perf_counter() - before
    for _ in range(10):
        process = start(places, "build")
        time.sleep(moments.uniform(0.2, 1.1) * took)
        kill(process)
        assert verify(database) == undisturbed.content
    assert call(places, "build").returncode == 0
    assert verify(database) == undisturbed.content
    assert sorted(path.name for path in database.parent.iterdir()) == ["results.duckdb", "shards"]


def test_two_runs_of_the_same_command_at_once_both_finish(places, undisturbed):
    both = [start(places, "run", STUDY.name, "--executor", "serial") for _ in range(2)]
    assert [process.wait(timeout=600) for process in both] == [0, 0]
    rows = list(shards.read(Path(places[0][3]), ("run_id",)))
    assert len(rows) == len({row["run_id"] for row in rows}) == 24
    assert content_of(places) == undisturbed.content


@pytest.fixture
def as_in_a_terminal():
    """Whatever runs in the background ignores Ctrl-C, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("as_in_a_terminal")
def test_ctrl_c_ends_with_one_line_and_the_same_command_goes_on(places, undisturbed):
    options, environment = places
    process = subprocess.Popen(
        [sys.executable, "-m", "precompute", "run", STUDY.name, "--workers", "2", *options],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    process.stdout.readline()  # the first group has ended
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command goes on" in errors
    assert call(places, "run", STUDY.name, "--executor", "serial").returncode == 0
    assert content_of(places) == undisturbed.content


def test_an_unknown_study_is_exit_2_and_one_line_with_the_valid_names(places):
    answer = call(places, "run", "double_descent/nothing")
    assert answer.returncode == 2 and answer.stdout == ""
    assert "studies: double_descent/mnist_mlp" in answer.stderr and len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--device", "tpu"), "devices: auto, cpu, cuda"),
        (("run", "--executor", "magic"), "executors: serial, processes"),
        (("run", "--workers", "0"), "a number from 1"),
        (("run", "--max-minutes", "nan"), "a number from 0, not nan"),
        (("run", "--max-minutes", "-5"), "a number from 0, not -5"),
        (("status", "--shards", __file__), f"{__file__} is a file"),
        (("build", "--shards", f"{__file__}/shards"), f"{__file__} is a file"),
        (("run", "--run-id", "0000000000000000"), "no run '0000000000000000'"),
        (("run", "--datasets", "/nowhere/at/all"), "no file"),
        (("plan", "everything"), "studies:"),
        (("plan", "--size", "huge"), "sizes: full, smoke"),
        (("verify", "--size", "huge"), "sizes: full, smoke"),
        (("build",), "no finished run"),
        (("benchmark", "--device", "tpu"), "devices: auto, cpu, cuda"),
        (("benchmark", "--engines", __file__), "no file of measured cards"),
    ],
)
def test_other_bad_input_is_exit_2_and_one_line_too(places, monkeypatch, capsys, arguments, told):
    options, environment = places
    monkeypatch.setenv("WHY_DATASETS", environment["WHY_DATASETS"])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert command_line.main([arguments[0], *options, *arguments[1:]]) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert told in answer.err and len(answer.err.splitlines()) == 1


def test_a_study_named_twice_is_one(places, capsys):
    assert [study.name for study in chosen([CNN, STUDY.name, CNN], "smoke")] == [CNN, STUDY.name]
    assert command_line.main(["status", STUDY.name, STUDY.name, *places[0]]) == 0
    assert sum(line.startswith(STUDY.name) for line in capsys.readouterr().out.splitlines()) == 1


def test_status_of_shards_in_folders_that_are_not_there_yet_says_what_is_free(places, tmp_path, capsys):
    folder = tmp_path / "not" / "there" / "yet"
    assert command_line.main(["status", STUDY.name, *places[0], "--shards", str(folder)]) == 0
    answer = capsys.readouterr()
    assert f"shards: {folder}; free there: " in answer.out and answer.err == "" and not folder.parent.exists()


@pytest.mark.parametrize("command", ["plan", "run", "status", "build"])
def test_a_database_that_cannot_be_read_is_never_taken_for_an_empty_one(places, command):
    Path(places[0][5]).write_bytes(b"not a database" * 1000)
    answer = call(places, command, *[STUDY.name][: command != "build"])
    assert answer.returncode == 2 and answer.stdout == ""
    assert "cannot be read" in answer.stderr and len(answer.stderr.splitlines()) == 1
    assert not Path(places[0][3]).exists(), "nothing is trained"


def test_no_data_and_no_internet_is_exit_2_and_one_line(places, tmp_path):
    answer = call(places, "run", WHY_DATASETS="", HF_HOME=str(tmp_path / "hub"))
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1
    assert "could not download" in answer.stderr and "WHY_DATASETS" in answer.stderr


def test_verify_names_a_missing_database(places):
    answer = call(places, "verify")
    assert answer.returncode == 1 and "python -m precompute build" in answer.stderr


def test_a_write_that_the_disk_refuses_is_one_line_and_loses_nothing(places, undisturbed):
    """A limit on the size of files stands for the full disk: the write breaks off in the middle."""
    options, environment = places
    answer = subprocess.run(
        [sys.executable, "-m", "precompute", "run", STUDY.name, "--executor", "serial", *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)), check=False)  # fmt: skip
    assert answer.returncode == 1 and "Traceback" not in answer.stderr
    assert "the same command goes on" in answer.stderr.splitlines()[-1]
    assert list(Path(options[3]).iterdir()) == [], "no torn shard is left"
    assert call(places, "run", STUDY.name, "--executor", "serial").returncode == 0
    assert content_of(places) == undisturbed.content


@pytest.mark.parametrize("module", ["networkx", "scipy"])
def test_what_is_not_installed_is_exit_2_and_one_line_that_says_how(places, tmp_path, module):
    """networkx is asked for by every command, scipy by build alone."""
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / f"{module}.py").write_text(f"raise ModuleNotFoundError(name={module!r})")
    answer = call(places, "build", PYTHONPATH=str(tmp_path / "hide"))
    assert answer.returncode == 2 and answer.stdout == ""
    assert answer.stderr == f"precompute: {module} is not installed: pip install -r precompute/requirements.txt\n"


def test_run_needs_no_duckdb(places, tmp_path):
    """As on a training machine: the module is there, but hidden."""
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "duckdb.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'duckdb'\", name='duckdb')"
    )
    answer = call(places, "run", STUDY.name, "--executor", "serial", PYTHONPATH=str(tmp_path / "hide"))
    assert answer.returncode == 0, answer.stderr
    assert len(list(shards.read(Path(places[0][3]), ("run_id",)))) == 24
