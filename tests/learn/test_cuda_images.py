"""Images that a graphics card makes are those that a processor makes."""

import numpy as np
import pytest
import torch

from cmrseg.learn.cuda_images import CardImages, planes_for_card
from cmrseg.learn.prepare import as_float, prepare_cine

UNET = {"preparation": "unet", "size_px": 8, "intensity": "linear"}
FCN = {"preparation": "fcn", "size_px": 16, "intensity": "linear"}
MINMAX = FCN | {"preparation": "minmax"}
ZSCORE = FCN | {"preparation": "zscore"}


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, ">i2", np.float32, ">f4", float])
@pytest.mark.parametrize("shape", [(2, 3, 40, 28), (1, 1, 16, 32), (1, 2, 7, 9)])
@pytest.mark.parametrize(
    "settings", [FCN, UNET, MINMAX, ZSCORE], ids=["fcn", "unet", "minmax", "zscore"]
)
def test_images_of_a_card_are_the_prepared_ones_to_the_bit(dtype, shape, settings):
    check_card_images(dtype, shape, settings, "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32, float])
@pytest.mark.parametrize("settings", [FCN, MINMAX], ids=["fcn", "minmax"])
def test_a_card_makes_the_prepared_images_to_the_bit(dtype, settings):
    check_card_images(dtype, (10, 3, 210, 190), settings, "cuda")


def check_card_images(dtype, shape, settings, device):
    voxels = (200 * np.random.default_rng(5).gamma(2, size=shape)).astype(dtype)
    before = voxels.copy()
    pixels, canvas = prepare_cine(voxels, settings)
    images = CardImages(*planes_for_card([voxels], settings), settings, device)
    assert (voxels == before).all()
    assert images.canvas == canvas
    expected = as_float(pixels).reshape(-1, 1, *canvas.size)
    assert len(images) == len(expected)
    assert (images[:4].cpu().numpy() == expected[:4]).all()
    assert (images[4:].cpu().numpy() == expected[4:]).all()


def test_a_constant_cine_is_black_on_a_card():
    planes, canvas = planes_for_card([np.full((1, 2, 16, 16), 7, np.int16)], FCN)
    assert CardImages(planes, canvas, FCN, "cpu")[:].abs().max() == 0
