"""Pixels that a header calls no pixels are 0, as all that was not acquired."""

import numpy as np
import pydicom
import pytest

from cmrseg.dicom.plain import plain_file
from cmrseg.dicom.reading import read_file
from cmrseg.dicom.study import import_study
from dicom_builder import picture, write_series, write_study
from dicom_studies import COMPAT, CORRECTED, expected_voxels


def padded(value):
    """The usual picture with a corner of a value."""

    def image(*numbers):
        pixels = picture(*numbers).astype(np.int32)
        pixels[:3, :2] = value
        return pixels.astype(np.uint16)

    return image


def expected(scale=lambda p: p):
    pixels = scale(picture(12, 10, 5, 1).astype(float))
    pixels[:3, :2] = 0
    return pixels.tolist()


def read(path, lenient=True):
    (frame,) = read_file(path, "a.dcm", lenient)
    return frame.pixels.tolist()


def test_padding_is_0(tmp_path):
    (path,) = write_series(tmp_path, frames=(1,), image=padded(5000), PixelPaddingValue=5000)
    assert plain_file(path.read_bytes()).layout() is not None
    assert read(path) == expected()


def test_padding_is_found_before_the_slope(tmp_path):
    scale = {"RescaleSlope": 2, "RescaleIntercept": 100}
    (path,) = write_series(tmp_path, frames=(1,), image=padded(0), PixelPaddingValue=0, **scale)
    assert read(path) == expected(lambda p: 2 * p + 100)


def test_a_range_of_padding_is_0(tmp_path):
    (path,) = write_series(
        tmp_path,
        frames=(1,),
        image=padded(5001),
        PixelPaddingValue=5002,
        PixelPaddingRangeLimit=5000,
    )
    assert read(path) == expected()


@pytest.mark.parametrize("written", [-2000, 2**16 - 2000])
@pytest.mark.parametrize("compress", [False, True])
def test_padding_of_signed_pixels_is_found_however_it_is_written(tmp_path, written, compress):
    (path,) = write_series(
        tmp_path, frames=(1,), image=padded(-2000), PixelRepresentation=1, compress=compress
    )
    data = pydicom.dcmread(path)
    data.add_new("PixelPaddingValue", "SS" if written < 0 else "US", written)
    data.save_as(path)
    assert read(path) == expected()


def test_a_value_that_no_pixel_has_changes_nothing(tmp_path):
    (path,) = write_series(tmp_path, frames=(1,), PixelPaddingValue=9999)
    assert read(path) == picture(12, 10, 5, 1).tolist()


def test_padding_is_grey_as_published(tmp_path):
    write_study(tmp_path, image=padded(5000), PixelPaddingValue=5000)
    corrected = import_study(tmp_path, "7", CORRECTED).cine.voxels
    inside = np.ones((12, 10), bool)
    inside[:3, :2] = False
    assert (corrected[..., ~inside] == 0).all()
    assert np.array_equal(corrected[..., inside], expected_voxels()[..., inside])
    published = import_study(tmp_path, "7", COMPAT).cine.voxels
    assert published.max() == pytest.approx(5000 / 65535)
