"""The two-batch estimator on gradients whose covariance is known."""

import pytest
import torch

from precompute.measures.noise_scale import noise_scale, two_batch

TRUE_GRADIENT = torch.tensor([0.3, -0.4], dtype=torch.float64)  # squared norm 0.25
DEVIATION = torch.tensor([2.0, 1.0], dtype=torch.float64)  # trace of the covariance 5


def draws(batch: int, times: int, generator: torch.Generator) -> torch.Tensor:
    """Squared norms of `times` gradients, each the mean of `batch` independent ones."""
    noise = torch.randn(times, batch, 2, generator=generator, dtype=torch.float64) * DEVIATION
    return ((TRUE_GRADIENT + noise).mean(1) ** 2).sum(1)


def test_both_estimates_are_unbiased():
    generator = torch.Generator().manual_seed(0)
    times = 20_000
    squared, trace = two_batch(draws(4, times, generator), draws(40, times, generator), 4, 40)
    for found, true in ((squared, 0.25), (trace, 5.0)):
        error = float(found.std() / times**0.5)
        assert abs(float(found.mean()) - true) < 4 * error and error < 0.05 * true
    assert (squared < 0).any(), "single estimates may be negative, which is why they are averaged before dividing"
    assert float((trace / squared).mean()) != pytest.approx(20, rel=0.1), "a mean of quotients is something else"
    assert float(trace.mean() / squared.mean()) == pytest.approx(20, rel=0.1)


class Lines:
    """Two networks of one weight w on the loss (w - x)^2 / 2, whose gradient for an example is w - x."""

    weights = torch.tensor([1.0, 3.0])

    def gradients(self, inputs, labels):
        return [self.weights - inputs.mean()]

    def squared_norms(self, gradients):
        return gradients[0] ** 2


def test_a_training_set_gives_its_own_gradient_and_variance():
    inputs = torch.randn(1000, generator=torch.Generator().manual_seed(1)) * 2
    labels = torch.zeros(1000, dtype=torch.int64)
    found = [noise_scale(Lines(), inputs, labels, torch.Generator().manual_seed(k), 8, 128) for k in range(400)]
    squared, trace = (torch.tensor([each[part] for each in found]).mean(0) for part in (0, 1))
    true = (Lines.weights - inputs.mean()) ** 2
    assert torch.allclose(squared.float(), true, rtol=0.1, atol=0.02)
    assert torch.allclose(trace.float(), inputs.var(correction=0).expand(2), rtol=0.05)


def test_the_same_generator_gives_the_same_numbers_and_the_batches_are_cut_from_one_draw():
    inputs, labels = torch.arange(100.0), torch.zeros(100, dtype=torch.int64)
    seen = []

    class Watched(Lines):
        def gradients(self, inputs, labels):
            seen.append(inputs)
            return super().gradients(inputs, labels)

    one, two = (noise_scale(Watched(), inputs, labels, torch.Generator().manual_seed(3), 4, 12) for _ in range(2))
    assert one == two and [len(each) for each in seen] == [4] * 6
    assert torch.equal(torch.cat(seen[:3]), torch.cat(seen[3:]))
