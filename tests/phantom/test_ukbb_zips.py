"""Bulk files of UK Biobank as the digital heart writes them."""

import zipfile

import numpy as np
import pydicom
import pytest

from cmrseg.phantom.dicom_writer import study_elements
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.population import draw_parameters, draw_subjects
from cmrseg.phantom.scanner import SCANNERS, acquire, short_axis_planes
from cmrseg.phantom.ukbb_dicom import DATE, write_zips
from cmrseg.phantom.views import long_axis_plane
from ukbb_zips import image, imported, write_subject

FRAMES, EID = 3, "1000001"


@pytest.fixture(scope="module")
def scanned():
    """A subject's row, and images of three short-axis slices and a 4-chamber view."""
    (row,) = draw_subjects(1, seed=2).to_dict("records")
    parameters = draw_parameters(row, FRAMES)
    size = {"rows": 32, "columns": 24, "spacing_mm": 8.0, "thickness_mm": 8.0}
    short = short_axis_planes(parameters, slice_distance_mm=20.0, count=3, **size)
    view = long_axis_plane(parameters, short[0], -Heart(parameters).towards_rv)
    phases = np.arange(FRAMES) / FRAMES
    rng = np.random.default_rng(1)

    def images(plane):
        return acquire(parameters, plane, phases, SCANNERS["1.5T"], rng)[0]

    acquired = {"sa": [(p, images(p)) for p in short], "la_4ch": [(view, images(view))]}
    return row, acquired


def write(folder, scanned):
    row, acquired = scanned
    common = study_elements(row, 1.5, FRAMES, np.random.default_rng(1))
    return write_zips(folder, EID, acquired, 250.0, common)


def test_the_heart_comes_back_as_it_was_scanned(tmp_path, scanned):
    paths = write(tmp_path / "raw", scanned)
    assert [path.name for path in paths] == [f"{EID}_20208_2_0.zip", f"{EID}_20209_2_0.zip"]
    assert imported(tmp_path / "raw", ["sa", "la_4ch"]).empty
    for sequence, slices in scanned[1].items():
        expected = np.stack([np.rint(images) for _, images in slices], axis=1)
        expected = expected[:, ::-1] if sequence == "sa" else expected
        np.testing.assert_array_equal(image(tmp_path / "raw", sequence).voxels, expected)


def test_files_have_identifiers_as_names_and_a_manifest_with_the_oddities(tmp_path, scanned):
    paths = write(tmp_path, scanned)
    with zipfile.ZipFile(paths[1]) as archive:
        names = archive.namelist()
        lines = archive.read("manifest.csv").decode().splitlines()
        headers = [pydicom.dcmread(archive.open(n)) for n in names if n.endswith(".dcm")]
    assert len(headers) == 3 * FRAMES
    assert {f"{h.SOPInstanceUID}.dcm" for h in headers} == set(names) - {"manifest.csv"}
    assert "series discription" in lines[0]
    assert all(f",{DATE}," in line for line in lines[1:])
    described = {h.SeriesDescription for h in headers}
    assert described == {f"CINE_segmented_SAX_b{n}" for n in (1, 2, 3)}
    # In the zip neither slices nor frames are in order.
    assert [(h.SeriesNumber, h.InstanceNumber) for h in headers] != sorted(
        (h.SeriesNumber, h.InstanceNumber) for h in headers
    )


def test_the_same_images_give_the_same_bytes(tmp_path, scanned):
    first, second = write(tmp_path / "a", scanned), write(tmp_path / "b", scanned)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_a_sequence_without_a_field_is_refused(tmp_path, scanned):
    acquired = {"de": scanned[1]["sa"]}
    with pytest.raises(ValueError, match="1000001: sequence de has no bulk file; there are sa, la"):
        write_zips(tmp_path, EID, acquired, 250.0, {})
    assert write_subject(tmp_path, EID, ["tag"])[0].name == f"{EID}_20211_2_0.zip"
