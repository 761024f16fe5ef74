import math

import pytest
import torch
from torch import nn

from precompute.models.normalization import GROUPS, LayerNoise, PowerMeanNorm, normalization
from precompute.streams import stream
from tests.precompute.test_vgg import make_spec

pytestmark = pytest.mark.usefixtures("worker_numerics")
CHANNELS = 16


@pytest.fixture
def values():
    generator = torch.Generator().manual_seed(0)
    return 3 * torch.randn(12, CHANNELS, 4, 4, generator=generator, dtype=torch.float64) + 1.5


def made(norm: str, **changes) -> list[nn.Module]:
    return [module.double() for module in normalization(make_spec(norm=norm, **changes), 3, CHANNELS)]


def plainly(norm: str, x: torch.Tensor) -> torch.Tensor:
    """By the definitions, an example or a channel at a time."""
    out = torch.empty_like(x)
    if norm in ("layer", "group"):
        size = CHANNELS // (1 if norm == "layer" else GROUPS)
        for example in range(len(x)):
            for first in range(0, CHANNELS, size):
                part = x[example, first : first + size]
                deviation = math.sqrt(((part - part.mean()) ** 2).mean() + 1e-5)
                out[example, first : first + size] = (part - part.mean()) / deviation
        return out
    for channel in range(CHANNELS):
        part = x[:, channel]
        size = {
            "batch": math.sqrt(((part - part.mean()) ** 2).mean() + 1e-5),
            "l1": float(part.abs().sum()) / part.numel() + 1e-5,
            "linf": max(map(abs, part.flatten().tolist())) + 1e-5,
        }[norm]
        out[:, channel] = (part - part.mean()) / size
    return out


@pytest.mark.parametrize("norm", ["batch", "layer", "group", "l1", "linf"])
def test_a_normalization_is_its_plain_definition_and_a_scale_and_shift(values, norm):
    (module,) = made(norm)
    assert torch.allclose(module(values), plainly(norm, values), rtol=0, atol=1e-12)
    scale, shift = torch.rand(2, CHANNELS, dtype=torch.float64)
    module.weight.data.copy_(scale)
    module.bias.data.copy_(shift)
    over = lambda each: each[:, None, None]
    assert torch.allclose(module(values), plainly(norm, values) * over(scale) + over(shift), rtol=0, atol=1e-12)
    assert module.weight.numel() == module.bias.numel() == CHANNELS


@pytest.mark.parametrize("norm", ["batch", "layer", "group", "l1", "linf"])
def test_its_gradient_is_the_derivative(values, norm):
    (module,) = made(norm)
    assert torch.autograd.gradcheck(module, values[:3, :, :2, :2].clone().requires_grad_(), atol=1e-6)


def test_batch_normalization_is_torchs_own():
    (module,) = made("batch")
    assert type(module) is nn.BatchNorm2d and module.momentum == 0.1 and module.track_running_stats


def test_groups_of_all_channels_are_layer_normalization(values):
    (layer,) = made("layer")
    own = nn.LayerNorm(values.shape[1:], elementwise_affine=False, dtype=torch.float64)
    assert torch.allclose(layer(values), own(values), rtol=0, atol=1e-12)
    assert torch.allclose(layer(values), nn.GroupNorm(1, CHANNELS).double()(values), rtol=0, atol=0)
    (group,) = made("group")
    assert not torch.allclose(group(values), layer(values), atol=1e-2)


def test_layer_and_group_normalization_do_not_look_at_other_examples(values):
    for norm, alone in (("layer", True), ("group", True), ("batch", False), ("l1", False), ("linf", False)):
        (module,) = made(norm)
        assert torch.allclose(module(values)[:1], module(values[:1]), atol=1e-12) == alone


@pytest.mark.parametrize(
    ("p", "mean_size"), [(1, lambda x: x.abs().mean((0, 2, 3))), (math.inf, lambda x: x.abs().amax((0, 2, 3)))]
)
def test_the_power_mean_is_taken_before_the_shift_and_bounds_what_comes_out(values, p, mean_size):
    module = PowerMeanNorm(CHANNELS, p).double()
    out = module(values)
    assert out.mean((0, 2, 3)).abs().max() < 1e-12
    around = values - values.mean((0, 2, 3), keepdim=True)
    assert torch.allclose(mean_size(out), mean_size(around) / (mean_size(values) + 1e-5))
    assert (mean_size(out) <= 2).all()
    normal = torch.randn(200_000, 1, 1, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    spread = PowerMeanNorm(1, p).double()(normal).std().item()
    # for normal values around 0 the mean of |x| is sqrt(2 / pi) deviations, and the largest of n about sqrt(2 ln n)
    expected = math.sqrt(math.pi / 2) if p == 1 else 1 / math.sqrt(2 * math.log(200_000))
    assert spread == pytest.approx(expected, rel=0.005 if p == 1 else 0.15)


@pytest.mark.parametrize("p", [1, math.inf])
def test_running_means_serve_evaluation_as_batch_norms_do(values, p):
    module, batch = PowerMeanNorm(CHANNELS, p).double(), nn.BatchNorm2d(CHANNELS).double()
    size = torch.ones(CHANNELS, dtype=torch.float64)
    for x in (values, 2 * values, values - 1):
        module(x), batch(x)
        new = x.abs().mean((0, 2, 3)) if p == 1 else x.abs().amax((0, 2, 3))
        size = 0.9 * size + 0.1 * new
    assert torch.allclose(module.running_mean, batch.running_mean, rtol=0, atol=1e-14)
    assert torch.allclose(module.running_size, size, rtol=0, atol=1e-14)
    module.eval()
    expected = (values - batch.running_mean[:, None, None]) / (size[:, None, None] + 1e-5)
    assert torch.allclose(module(values), expected, rtol=0, atol=1e-13)
    assert torch.allclose(module(values)[:1], module(values[:1]), rtol=0, atol=1e-14), "nothing is averaged any more"


def draws(noise: LayerNoise, steps: int, examples: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """m and s [steps, examples, CHANNELS] of successive steps."""
    means, scales = [], []
    for _ in range(steps):
        state = noise.draws.get_state()
        mean = noise(torch.zeros(examples, CHANNELS, 2, 2))
        noise.draws.set_state(state)
        both = noise(torch.ones(examples, CHANNELS, 2, 2))
        assert (mean == mean[:, :, :1, :1]).all(), "one number for all places of a channel"
        means.append(mean[:, :, 0, 0])
        scales.append((both - mean)[:, :, 0, 0])
    return torch.stack(means), torch.stack(scales)


def test_the_noise_has_the_papers_distribution():
    mean, scale = draws(LayerNoise(stream("layer_noise", 1, 0)), steps=400)
    mu, sigma = mean.mean((1, 2)), scale.mean((1, 2))
    assert (mean - mu[:, None, None]).abs().max() < 0.11, "m within 0.1 of mu"
    assert (mean - mu[:, None, None]).std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.01)
    assert (scale - sigma[:, None, None]).std().item() == pytest.approx(0.1, rel=0.01)
    fourth_moment = ((scale - sigma[:, None, None]) ** 4).mean() / ((scale - sigma[:, None, None]) ** 2).mean() ** 2
    assert fourth_moment.item() == pytest.approx(3, rel=0.05), "s is normal"
    assert -0.51 < mu.min() < -0.45 and 0.45 < mu.max() < 0.51 and abs(mu.mean()) < 0.06
    assert (
        0.99 < sigma.min() < 1.02
        and 1.23 < sigma.max() < 1.26
        and sigma.mean().item() == pytest.approx(1.125, abs=0.015)
    )
    assert mu.std().item() == pytest.approx(1 / math.sqrt(12), rel=0.1), "another distribution at every step"
    assert abs(torch.corrcoef(torch.stack([mu, sigma]))[0, 1]) < 0.15
    assert abs(torch.corrcoef(torch.stack([mu[1:], mu[:-1]]))[0, 1]) < 0.15, "and not one near the last"


def test_the_noise_is_drawn_from_the_runs_own_stream():
    torch.manual_seed(0)
    x = torch.ones(5, CHANNELS, 2, 2)
    ((noise,), (_, behind)) = (
        normalization(make_spec(norm=norm, lr=lr), 3, CHANNELS) for norm, lr in (("noise", 0.1), ("noisy_batch", 0.7))
    )
    first = noise(x)
    assert torch.equal(behind(x), first), "the same with and without batch norm, and at every rate"
    torch.manual_seed(5)
    assert not torch.equal(noise(x), first)
    others = [normalization(make_spec(norm="noise", seed=seed), layer, CHANNELS)[0] for seed, layer in ((1, 3), (0, 4))]
    assert all(not torch.equal(other(x), first) for other in others)


def test_in_evaluation_the_noise_is_its_mean():
    noise = LayerNoise(stream("layer_noise", 1, 0))
    before = noise.draws.get_state()
    x = torch.rand(4, CHANNELS, 2, 2)
    assert torch.equal(noise.eval()(x), 1.125 * x)
    assert torch.equal(noise.draws.get_state(), before)


def test_what_is_no_norm_is_refused():
    with pytest.raises(ValueError, match="no norm 'weight'"):
        normalization(make_spec(norm="weight"), 1, CHANNELS)
    with pytest.raises(ValueError, match="no p 2"):
        PowerMeanNorm(CHANNELS, 2)
