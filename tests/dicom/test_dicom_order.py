"""The same images give the same cine, whatever their files are called, numbered and ordered."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrseg.dicom import layout
from cmrseg.dicom.slices import _same_plane, planes
from cmrseg.dicom.study import import_study
from dicom_builder import write_series
from dicom_studies import FOLDER, expected_voxels

SLICES, FRAMES = 4, 3
COUNT = SLICES * FRAMES


def write(folder: Path, names, numbers, series) -> None:
    """A file for each slice and frame with its own name and InstanceNumber."""
    for z in range(SLICES):
        for t in range(FRAMES):
            i = z * FRAMES + t
            write_series(
                folder / ("deep/er" if names[i] % 3 == 0 else ""),
                5 + z,
                (t + 1,),
                8.0 * z,
                name=f"{names[i]:X}",
                SeriesNumber=series[z],
                InstanceNumber=numbers[i],
                CardiacNumberOfImages=None,
            )


@settings(max_examples=12)
@given(
    st.permutations(range(COUNT)),
    st.permutations(range(1, COUNT + 1)),
    st.one_of(st.permutations(range(SLICES)), st.just([7] * SLICES)),
)
def test_any_names_and_numbers_give_the_same_cine(names, numbers, series):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), names, numbers, series)
        imported = import_study(Path(folder), "7", FOLDER)
    assert (imported.cine.voxels == expected_voxels()).all()
    assert imported.cine.frame_interval_s == pytest.approx(0.1)
    assert imported.audit.empty


def test_the_order_of_the_file_system_does_not_matter(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    write(tmp_path, rng.permutation(COUNT), rng.permutation(COUNT) + 1, [7] * SLICES)
    listed = layout.folder_files

    def mixed(*which):
        found = listed(*which)
        return {name: rng.permutation(found[name]).tolist() for name in sorted(found, reverse=True)}

    monkeypatch.setattr("cmrseg.dicom.study.folder_files", mixed)
    for _ in range(5):
        imported = import_study(tmp_path, "7", FOLDER)
        assert (imported.cine.voxels == expected_voxels()).all()


def test_planes_are_those_of_comparing_every_file():
    def frame(place, turn):
        return SimpleNamespace(
            pixels=np.empty((2, 2)),
            spacing_mm=(1.0, 1.0),
            orientation=(1.0, turn, 0.0, 0.0, 1.0, 0.0),
            position_mm=(0.0, 0.0, place),
        )

    rng = np.random.default_rng(0)
    # Places at, within and beyond the tolerance of others.
    files = [
        (i, frame(float(rng.choice([0, 0.05, 0.1, 0.12, 0.2, 8])), rng.choice([0, 0.0009, 0.002])))
        for i in range(200)
    ]
    expected = []
    for number, one in files:
        for plane in expected:
            if _same_plane(one, plane[0][1]):
                plane.append((number, one))
                break
        else:
            expected.append([(number, one)])
    assert len(expected) > 4
    assert planes(files) == expected
