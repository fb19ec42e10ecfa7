"""Result files in the published form: the original's own, rows, frames, and what is unknown."""

import h5py
import numpy as np
import pytest

from cmrseg.results.tagging_hdf5 import SHAPES, ResultSlice, result_of, write_results
from tag_rings import beating, from_published

UNKNOWN = np.full((2, 2), np.nan)


def row(points, subject="1", box=UNKNOWN, spacing_mm=(1.0, 1.0), slice_index=0) -> ResultSlice:
    return ResultSlice(subject, slice_index, points, box, spacing_mm, (256, 256))


def test_a_file_of_the_original_program_is_made_again(data, tmp_path):
    with h5py.File(data / "tagging_oracle" / "pipeline_uint16.result.h5") as original:
        expected = {name: dataset[()] for name, dataset in original.items()}
        kinds = {name: (d.dtype, d.shape, d.maxshape[0]) for name, d in original.items()}
    x1, y1, x2, y2 = expected["bbox_predictions"][0].astype(float)
    points = from_published(expected["landmark_predictions"])[:, 0].astype(float)
    write_results([row(points, box=np.array([[y1, x1], [y2, x2]]))], tmp_path / "a.result.h5")
    with h5py.File(tmp_path / "a.result.h5") as found:
        assert {name: (d.dtype, d.shape, d.maxshape[0]) for name, d in found.items()} == {
            **kinds,
            **dict.fromkeys(("_cases", "_slices"), (h5py.string_dtype(), (1,), None)),
        }
        for name, values in expected.items():
            np.testing.assert_allclose(found[name][()], values, rtol=1e-4, atol=1e-4)
        assert found["_cases"].asstr()[0] == "1"


def test_rows_are_slices_of_subjects_and_short_cines_end_in_nan(tmp_path):
    long, short = beating([1, 0.9, 0.8], 1)[:, 0], beating([1, 0.9], 1)[:, 0]
    rows = [row(short, "a"), row(long, "b", slice_index=2)]
    assert write_results(rows, tmp_path / "rows.h5") == 2
    with h5py.File(tmp_path / "rows.h5") as found:
        assert {name: d.shape for name, d in found.items() if name in SHAPES} == {
            **{"bbox_predictions": (2, 4), "resize_ratios": (2,)},
            **{
                "landmark_local_predictions": (2, 3, 2, 168),
                "landmark_predictions": (2, 3, 2, 168),
            },
            **{f"rr{kind}_strains": (2, 3, 1) for kind in ("", "_linear")},
            **{f"cc{kind}_strains": (2, 3, 8) for kind in ("", "_linear")},
        }
        np.testing.assert_allclose(
            found["cc_linear_strains"][:, :, 7], [[0, -0.1, np.nan], [0, -0.1, -0.2]], atol=1e-6
        )
        assert list(found["_slices"].asstr()) == ["0", "2"]


def test_a_slice_without_a_box_has_that_of_its_landmarks():
    points = beating([1], 1)[:, 0]
    found = result_of(row(points))
    (y1, x1), (y2, x2) = points[0].min(axis=0), points[0].max(axis=0)
    width, height = x2 - x1, y2 - y1
    expected = [x1 - 0.3 * width, y1 - 0.3 * height, x2 + 0.3 * width, y2 + 0.3 * height]
    assert found["bbox_predictions"] == pytest.approx(expected)
    # The box is 69.6 px high, rounded outwards 70.
    assert found["resize_ratios"] == pytest.approx(128 / 70)
    local = found["landmark_local_predictions"][0, :, 0]
    assert local == pytest.approx((points[0, 0, ::-1] - np.floor(expected[:2])) * 128 / 70)


def test_lost_landmarks_are_nan_and_strain_is_that_of_millimetres():
    points = beating([1, 1], 1)[:, 0]
    points[1, :, 1] = 64 + (points[1, :, 1] - 64) / 2
    square = result_of(row(points))["rr_linear_strains"][1, 0]
    high = result_of(row(points, spacing_mm=(100.0, 1.0)))["rr_linear_strains"][1, 0]
    assert square < high - 0.1
    points[1, 3::7] = np.nan
    found = result_of(row(points))
    assert np.isnan(found["landmark_predictions"][1, :, 3]).all()
    assert np.isnan(found["cc_strains"][1, [3, 7]]).all()
    assert np.isfinite(found["cc_strains"][1, :3]).all()


def test_a_file_without_rows_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="no slice has landmarks; nothing to write"):
        write_results([], tmp_path / "none.h5")
    assert not list(tmp_path.iterdir())
