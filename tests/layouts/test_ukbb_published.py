"""The published conversion of UK Biobank's DICOM: its volume, and what it refuses by name."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from ukbb_zips import COMPAT, FRAMES, image, imported, planes, series, told, zip_of

HERE = "1000001"


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw" / HERE).mkdir(parents=True)
    return tmp_path / "raw"


def short_axis(raw, numbers=(0, 1, 2), change=lambda n, options: options):
    """Slices of the short axis as numbered series; change: of the options of each."""
    written = []
    for n in numbers:
        options = change(n, {})
        written += series(HERE, "sa", n + 1, f"CINE_segmented_SAX_b{n + 1}", n, **options)
    zip_of(raw / HERE, 20209, written)


def refused(raw, sequence="sa"):
    audit = imported(raw, [sequence], COMPAT)
    assert audit["resolution"].iloc[-1] == "subject excluded"
    return audit["detail"].iloc[-1]


def test_the_affine_is_that_of_the_program(raw):
    """Columns, rows and the way to the second slice, each in RAS, as worked out by hand."""
    short_axis(raw, change=lambda n, o: {"SpacingBetweenSlices": 12.5})
    assert imported(raw, ["sa"], COMPAT).empty
    first, second, _ = planes()["sa"][:3]
    expected = np.eye(4)
    flip = np.array([-1, -1, 1])
    expected[:3, 0] = flip * first.row_direction * first.column_spacing_mm
    expected[:3, 1] = flip * first.column_direction * first.row_spacing_mm
    step = flip * np.subtract(second.position_mm, first.position_mm)
    expected[:3, 2] = step / np.linalg.norm(step) * 12.5
    expected[:3, 3] = flip * first.position_mm
    np.testing.assert_allclose(image(raw).affine, expected, atol=1e-4)


def test_slices_are_in_the_order_of_their_numbers_and_not_of_their_text(raw):
    plane, places = planes()["sa"][0], planes()["sa"]
    written = []
    for place, n in enumerate((2, 10, 1)):
        images = np.full((FRAMES, plane.rows, plane.columns), 100 * n)
        images = images + np.random.default_rng(n).integers(0, 9, images.shape)
        words = f"CINE_segmented_SAX_b{n}"
        written += series(HERE, "sa", n, words, plane=places[place], images=images)
    zip_of(raw / HERE, 20209, written)
    imported(raw, ["sa"], COMPAT)
    assert (image(raw).voxels.mean(axis=(0, 2, 3)) // 100).tolist() == [1, 2, 10]


def test_one_slice_has_its_thickness(raw):
    zip_of(raw / HERE, 20210, series(HERE, "ao", 1, "CINE_segmented_Ao_dist"))
    imported(raw, ["ao"], COMPAT)
    cine = image(raw, "ao")
    assert isinstance(cine, Cine)
    assert cine.spacing_mm[0] == pytest.approx(planes()["ao"][0].thickness_mm)
    assert np.linalg.det(cine.affine) > 0


def test_times_are_needed(raw):
    zip_of(
        raw / HERE,
        20209,
        [
            (name, content.replace(b"\x18\x00\x60\x10", b"\x18\x00\x61\x10"), told)
            for name, content, told in series(HERE, "sa", 1, "CINE_segmented_SAX_b1")
        ],
    )
    assert "TriggerTime is absent" in refused(raw)


def test_the_number_of_frames_is_needed(raw):
    zip_of(
        raw / HERE,
        20209,
        [
            (name, content.replace(b"\x18\x00\x90\x10", b"\x18\x00\x91\x10"), told)
            for name, content, told in series(HERE, "sa", 1, "CINE_segmented_SAX_b1")
        ],
    )
    assert "CardiacNumberOfImages is absent" in refused(raw)


def test_slices_of_two_sizes_are_refused(raw):
    other = planes()["ao"][0]
    short_axis(raw, change=lambda n, o: {"plane": other} if n == 2 else {})
    assert f"({other.rows}, {other.columns}) pixels, but (20, 16) in " in refused(raw)


def test_slices_at_one_place_are_refused(raw):
    short_axis(raw, change=lambda n, o: {"plane": planes()["sa"][0]})
    assert "slices are 0.0 mm apart, expected a positive length" in refused(raw)


def test_a_mixed_stack_of_less_than_one_slice_is_refused(raw):
    zip_of(raw / HERE, 20209, series(HERE, "sa", 1, "CINE_segmented_SAX")[:4])
    assert f"4 files, CardiacNumberOfImages is {FRAMES}" in refused(raw)


def test_surplus_frames_of_a_slice_are_ignored_and_audited(raw):
    files = series(HERE, "sa", 1, "CINE_segmented_SAX_b1")
    files += [
        (f"late{name}", content.replace(name[:-5].encode(), b"9" * len(name[:-5])), told)
        for name, content, told in files[:1]
    ]
    zip_of(raw / HERE, 20209, files)
    audit = imported(raw, ["sa"], COMPAT)
    assert [problem for problem, _ in told(audit)] == ["extra frame"]
    assert audit["detail"].item() == f"{FRAMES + 1} files, {FRAMES} frames"
