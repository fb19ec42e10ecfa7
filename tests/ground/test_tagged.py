"""Tags in pictures are told from what patients look like without them."""

from collections import defaultdict

import h5py
import numpy as np
import pandas as pd
import pydicom
import pytest

import tagging_builder as built
from cmrseg.cine import Cine
from cmrseg.dicom.slice_order import REVERSED, in_order, order_turn
from cmrseg.orientation import APEX_TO_BASE, AS_STORED
from cmrseg.tagged import LEAST_PEAK, looks_tagged, tag_peak


def lines(period_px: float, degrees: float, size: int = 96) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    return 200 + 40 * np.cos(2 * np.pi * along / period_px)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(100, 20, shape)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135])
@pytest.mark.parametrize("period_px", [3, 5, 8, 12])
def test_lines_in_any_direction_are_tags_also_in_noise(period_px, degrees):
    assert looks_tagged(lines(period_px, degrees) + noise(96, 96))


def test_both_directions_of_a_grid_are_tags_and_of_a_cine_early_frames_count():
    assert looks_tagged(built.grid())
    fading = np.stack([100 + (built.grid() - 100.0) * 0.2**t for t in range(12)])
    assert looks_tagged(fading)
    assert not looks_tagged(fading[8:] + noise(4, 64, 64))


@pytest.mark.parametrize(
    "pictures",
    [
        noise(3, 96, 96),
        np.full((3, 96, 96), 7.0),
        np.full((3, 96, 96), np.nan),
        np.hypot(*(np.mgrid[:96, :96] - 48)) < 20,
        np.add.outer(np.arange(96.0), np.arange(96.0)),
        lines(40, 30) + noise(96, 96),
        lines(5, 30, size=24),
    ],
    ids=["noise", "one grey", "nan", "a disc", "a slope", "shading", "too small"],
)
def test_what_has_no_tags_does_not_look_tagged(pictures):
    assert not looks_tagged(pictures)


def test_the_published_example_has_tags_in_every_frame(data):
    with h5py.File(data / "tagging/train_example.h5") as file:
        cine = file["image_seqs"][0]
    assert tag_peak(cine) == pytest.approx(147.7, abs=0.1)
    assert min(map(tag_peak, cine)) > LEAST_PEAK


def test_patients_without_tags_are_far_below_the_limit(data):
    slices = defaultdict(list)
    for path in (data / "sunnybrook/dicoms").rglob("*.dcm"):
        image = pydicom.dcmread(path)
        place = path.parent.name, round(float(image.SliceLocation), 1)
        slices[place].append((int(image.InstanceNumber), image.pixel_array))
    peaks = [
        tag_peak(np.stack([pixels for _, pixels in sorted(files, key=lambda file: file[0])]))
        for files in slices.values()
    ]
    assert len(peaks) == 35
    assert max(peaks) < LEAST_PEAK / 2


def test_slices_of_tagged_cines_alone_run_from_base_to_apex():
    axes = np.eye(3)
    axes[:, 2] = APEX_TO_BASE
    assert (order_turn(axes, 3, "tag") == REVERSED).all()
    assert (order_turn(-axes, 3, "tag") == AS_STORED).all()
    assert (order_turn(axes, 1, "tag") == AS_STORED).all()
    assert (order_turn(axes, 3, "sa") == AS_STORED).all()


def test_sources_follow_their_slices():
    affine = np.diag([1.0, 1.0, 10.0, 1.0])
    cine = Cine(np.arange(4.0).reshape(1, 4, 1, 1), affine)
    sources = pd.DataFrame({"z": range(4), "t": 0, "file": list("abcd")})
    turned, found = in_order(cine, sources, "tag")
    assert turned.voxels[0, :, 0, 0].tolist() == [3, 2, 1, 0]
    assert turned.affine[2].tolist() == [0, 0, -10, 30]
    assert found["file"].tolist() == ["d", "c", "b", "a"]
    assert found["z"].tolist() == [0, 1, 2, 3]
    assert in_order(cine, sources, "sa")[1] is sources
