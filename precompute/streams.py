"""Random streams: every draw comes from a generator named for its purpose and keyed by what it should depend on, and nothing else."""

import hashlib

import torch

from precompute.spec import canonical_json


def stream(name: str, *fields: str | float) -> torch.Generator:
    """A CPU generator seeded by sha256 over `name` and `fields`.

    Draw in the exact shape needed and upload: one call for 20 numbers and two calls for 10 differ, and CUDA generators
    differ between cards.
    """
    digest = hashlib.sha256(canonical_json([name, *fields]).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
