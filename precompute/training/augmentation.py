"""Random crops and mirror images, as He et al. 2015 (arXiv 1512.03385, section 4.2) and many after them take them."""

import torch
from torch import Tensor
from torch.nn import functional as F

BORDER = 4  # pixels of zeros on each side, the mean of standardized inputs


def with_border(images: Tensor) -> Tensor:
    """`images` [n, 3, side, side] with BORDER zeros on each side."""
    return F.pad(images, (BORDER,) * 4)


def draw_crops(count: int, generator: torch.Generator) -> Tensor:
    """Row and column where the crop of each of `count` images begins, 0 to 2 * BORDER, and 1 where it is mirrored: int64 [count, 3]."""
    places = torch.randint(2 * BORDER + 1, (count, 2), generator=generator)
    return torch.cat([places, torch.randint(2, (count, 1), generator=generator)], dim=1)


def crop(bordered: Tensor, crops: Tensor) -> Tensor:
    """The crops [n, 3, side, side], channels_last, of images [n, 3, side + 2 * BORDER, ...], by `crops` [n, 3] of `draw_crops`."""
    along = torch.arange(bordered.shape[2] - 2 * BORDER, device=bordered.device)
    row, column, mirrored = (part[:, None] for part in crops.unbind(1))
    rows, columns = row + along, column + torch.where(mirrored == 1, along.flip(0), along)
    image = torch.arange(len(bordered), device=bordered.device)
    return bordered.permute(0, 2, 3, 1)[image[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
