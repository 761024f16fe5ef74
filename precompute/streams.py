"""Random streams: every draw comes from a generator named for its purpose and keyed by what it should depend on, and nothing else."""

import hashlib
from typing import TYPE_CHECKING

from precompute.spec import canonical_json

if TYPE_CHECKING:  # planning and building draw graphs without torch
    import torch


def seed_of(name: str, *fields: str | float) -> int:
    """The first 63 bits of sha256 over `name` and `fields`."""
    digest = hashlib.sha256(canonical_json([name, *fields]).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def stream(name: str, *fields: str | float) -> "torch.Generator":
    """A CPU generator seeded by `seed_of(name, *fields)`.

    Draw in the exact shape needed and upload: one call for 20 numbers and two calls for 10 differ, and CUDA generators
    differ between cards.
    """
    import torch

    return torch.Generator().manual_seed(seed_of(name, *fields))
