import torch
from torch.nn import functional as F

from precompute.streams import stream
from precompute.training.augmentation import BORDER, crop, draw_crops, with_border


def test_a_crop_is_cut_from_the_padded_image_and_mirrored():
    images = torch.randn(40, 3, 16, 16)
    crops = draw_crops(40, stream("augment", "test", 0))
    found = crop(with_border(images), crops)
    assert found.shape == images.shape and found.is_contiguous(memory_format=torch.channels_last)
    for image, made, (row, column, mirrored) in zip(images, found, crops.tolist(), strict=True):
        cut = F.pad(image, (BORDER,) * 4)[:, row : row + 16, column : column + 16]
        assert torch.equal(made, cut.flip(2) if mirrored else cut)


def test_the_crop_in_the_middle_is_the_image_itself():
    images = torch.randn(2, 3, 8, 8)
    same, mirrored = (crop(with_border(images), torch.tensor([[4, 4, flip]] * 2)) for flip in (0, 1))
    assert torch.equal(same, images) and torch.equal(mirrored, images.flip(3))


def test_all_81_places_and_both_sides_are_drawn_alike():
    crops = draw_crops(16_200, stream("augment", "test", 1))
    kinds = torch.bincount(18 * crops[:, 0] + 2 * crops[:, 1] + crops[:, 2], minlength=162)
    assert len(kinds) == 162 and kinds.min() > 50 and kinds.max() < 150, "100 of each, sd 10"
