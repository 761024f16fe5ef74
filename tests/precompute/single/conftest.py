import pytest
from torch import nn

from precompute.training import single


@pytest.fixture
def trained(monkeypatch):
    """The networks that single.train measures, as they are when it has ended."""
    seen: list[nn.Module] = []
    measure = single.measure

    def measure_seen(network, *others):
        if not any(network is other for other in seen):
            seen.append(network)
        return measure(network, *others)

    monkeypatch.setattr(single, "measure", measure_seen)
    return seen
