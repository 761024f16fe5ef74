"""Finished runs on disk: one Parquet file per group, written once."""

import contextlib
import errno
import hashlib
import os
import platform
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from precompute.spec import canonical_json

if TYPE_CHECKING:
    from precompute.training.run import Run

CURVE = pa.struct(
    [("epoch", pa.int32())]
    + [(name, pa.float32()) for name in ("train_loss", "val_loss", "test_loss")]
    + [(name, pa.int32()) for name in ("train_correct", "val_correct", "test_correct", "memorized")]
)
LAYER = pa.struct(
    [("epoch", pa.int32()), ("layer", pa.int32())]
    + [
        (name, pa.float32())
        for name in ("gradient_norm", "preactivation_mean", "preactivation_sd", "dead", "saturated")
    ]
)
TARGET = pa.struct(
    [("target", pa.float64()), ("reached", pa.bool_()), ("step", pa.int32()), ("examples", pa.int64())]
    + [(name, pa.float32()) for name in ("seconds", "best_val_error")]
)
VALIDATION = pa.struct([("step", pa.int32()), ("val_loss", pa.float32()), ("val_correct", pa.int32())])
NOISE_SCALE = pa.struct(
    [(name, pa.int32()) for name in ("step", "small_batch", "large_batch")]
    + [(name, pa.float32()) for name in ("gradient_sq", "trace", "value")]
)
PROBE = pa.struct(
    [("step", pa.int32())]
    + [
        (name, pa.float32())
        for name in ("loss", "loss_low", "loss_high", "gradient_norm", "change_low", "change_high", "smoothness")
    ]
)
SHIFT = pa.struct(
    [("step", pa.int32()), ("layer", pa.int32())]
    + [
        (name, pa.float32())
        for name in ("gradient_norm", "gradient_change", "cosine", "input_mean", "input_sd", "mean_drift", "sd_drift")
    ]
)
DAMAGE = pa.struct(
    [("kind", pa.string()), ("stage", pa.int32()), ("part", pa.int32()), ("target", pa.int32())]
    + [("test_loss", pa.float32()), ("test_correct", pa.int32()), ("n_test", pa.int32())]
)
EDGE_WEIGHT = pa.struct(
    [("stage", pa.int32()), ("source", pa.int32()), ("target", pa.int32()), ("weight", pa.float32())]
)
COUNT = pa.struct([("quantity", pa.string()), ("value", pa.int64()), ("trials", pa.int64())])
NESTED = {
    "curves": CURVE,
    "layers": LAYER,
    "damage": DAMAGE,
    "edge_weights": EDGE_WEIGHT,
    "counts": COUNT,
    "targets": TARGET,
    "validation": VALIDATION,
    "noise_scale": NOISE_SCALE,
    "probes": PROBE,
    "shifts": SHIFT,
}
"""The tables of the database that hold several rows a run, without their first column, the run."""
SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("study", pa.string()),
        ("spec", pa.string()),  # canonical JSON of every field
        ("status", pa.string()),
        ("stop_step", pa.int32()),
        ("error", pa.string()),
        ("steps", pa.int32()),
        ("epochs", pa.int32()),
        ("best_epoch", pa.int32()),
        ("n_params", pa.int64()),
        ("n_train", pa.int32()),
        ("n_val", pa.int32()),
        ("n_test", pa.int32()),
        ("wrong_labels", pa.int32()),
        ("flops", pa.float64()),
        ("wall_s", pa.float32()),
        ("engine", pa.string()),
        ("precision", pa.string()),
        ("device", pa.string()),
        ("torch", pa.string()),
        ("python", pa.string()),
        ("git_commit", pa.string()),
        ("dataset_copy", pa.string()),
        ("data_fingerprint", pa.string()),
        ("started_at", pa.timestamp("us")),
    ]
    + [(name, pa.list_(row)) for name, row in NESTED.items()]
)


def row(run: "Run", provenance: dict) -> dict:
    """One row of a shard. `provenance` holds device, torch, python, git_commit, dataset_copy, data_fingerprint and started_at."""
    told = {name: getattr(run, name) for name in SCHEMA.names if hasattr(run, name)}
    n_train = run.spec.n_train if hasattr(run.spec, "n_train") else 0
    return (
        told
        | provenance
        | {
            "run_id": run.spec.run_id,
            "study": run.spec.study,
            "spec": canonical_json(run.spec.as_dict()),
            "n_train": n_train,
        }
    )


def write(rows: list[dict], folder: Path) -> Path:
    """Writes the rows of one group as a shard: to a temporary name in the same folder, to the disk, then renamed.

    The name is a hash of the run ids and statuses, so that two processes that trained the same group write the same file,
    and a retried failure does not overwrite the evidence of the failure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = canonical_json(sorted([row["run_id"], row["status"]] for row in rows))
    path = folder / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.parquet"
    temporary = path.with_suffix(f".tmp-{os.getpid()}-{secrets.token_hex(4)}")  # one number may be of two machines
    try:
        with temporary.open("wb") as file:
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            pq.write_table(table, file, compression="zstd", write_page_checksum=True)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    return path


def read(folder: Path, columns: Sequence[str] = SCHEMA.names) -> Iterator[dict]:
    """Every row of every shard in `folder`, in the order of the file names; of equal runs, all. `columns` narrows what is read.

    A damaged file moves to bad/ beside it, which is said, and counts as missing. Temporary files of killed processes are passed over.
    A shard from before a table of NESTED came has no rows of it. Raises OSError where a file may be whole, but this process may
    not open it, or has no memory for it.
    """
    # `glob` would be silent about a folder that cannot be opened
    there = sorted(folder.iterdir()) if folder.exists() else []
    for path in [path for path in there if path.suffix == ".parquet"]:
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                later = [name for name in columns if name in NESTED and name not in file.schema_arrow.names]
                if missing := set(columns) - set(later) - set(file.schema_arrow.names):
                    raise pa.ArrowInvalid(f"no column {', '.join(sorted(missing))}")
                table = file.read(columns=[name for name in columns if name not in later])
        except FileNotFoundError:  # another process moved it
            continue
        except MemoryError as error:
            raise OSError(errno.ENOMEM, str(error), str(path)) from error
        except (OSError, ValueError, pa.ArrowException) as error:  # torn, flipped bits, or another layout
            if getattr(error, "errno", None) is not None:  # of the system, which says nothing of the file
                raise
            bad = folder / "bad"
            bad.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                path.replace(bad / path.name)
                what = str(error).splitlines()[0]
                print(f"{path} is damaged ({what}): moved to {bad}, its runs count as missing", file=sys.stderr)
            continue
        yield from (row | {name: [] for name in later} for row in table.to_pylist())


RANK = {"complete": 0, "diverged": 1, "failed": 2}


def best_of_equal(rows: Iterable[dict]) -> dict[str, dict]:
    """One row a run id: complete before diverged before failed, of equals the first."""
    best: dict[str, dict] = {}
    for each in rows:
        held = best.get(each["run_id"])
        if held is None or RANK[each["status"]] < RANK[held["status"]]:
            best[each["run_id"]] = each
    return best


def provenance() -> dict:
    """device (processor), python and git_commit of this process, and the time, UTC. torch is filled in where it is imported."""
    return {
        "device": processor(),
        "python": platform.python_version(),
        "git_commit": git_commit(),
        "started_at": datetime.now(UTC).replace(tzinfo=None),
    }


def processor() -> str:
    """The processor by its own name, with family and model where Linux tells them: "AMD EPYC" alone, as a virtual machine may name it, is
    several that do not have the same instructions, and so do not compute the same bits."""
    with contextlib.suppress(OSError):
        first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
        told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
        if "model name" in told:
            kind = [
                f"{word} {told[key]}" for key, word in (("cpu family", "family"), ("model", "model")) if key in told
            ]
            return told["model name"] + (f" ({', '.join(kind)})" if kind else "")
    return platform.processor() or platform.machine()


def git_commit() -> str:
    """Commit of the code, with "+" behind it when the working tree had changes; "unknown" outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--", "."], cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")
