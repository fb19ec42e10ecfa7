"""What is no single stack, or not all of one, is refused."""

import pytest

from cmrseg.dicom.audit import Audit, SubjectError
from cmrseg.dicom.geometry import Slice
from cmrseg.dicom.slices import check_whole, group, planes
from cmrseg.dicom.spacing import check_stack, drop_irregular, empirical_spacing_mm
from cmrseg.dicom.study import import_study
from dicom_builder import write_series
from dicom_studies import FOLDER, expected_voxels
from made_frames import stack


def slices(*locations_mm, thickness_mm=8.0, written_mm=10.0):
    return [
        Slice(str(i), 7, mm, thickness_mm=thickness_mm, slice_distance_mm=written_mm)
        for i, mm in enumerate(locations_mm)
    ]


def checked(found):
    """Number of slices that stay; what is refused raises."""
    audit = Audit("1")
    spacing_mm = empirical_spacing_mm(found, audit)
    kept = drop_irregular(found, spacing_mm, audit)
    check_stack(found, kept, spacing_mm)
    return len(kept)


@pytest.mark.parametrize("shift_mm", [3, 5])
def test_two_stacks_between_each_other_are_refused(shift_mm):
    mixed = slices(*(10 * i + shift for i in range(6) for shift in (0, shift_mm)))
    message = (
        f"0: interleaved stacks: slice spacing is {shift_mm} mm, but SliceThickness is 8 mm and "
    )
    with pytest.raises(SubjectError, match=f"{message}SpacingBetweenSlices 10 mm; put each"):
        checked(mixed)


def test_slices_apart_by_four_fifths_of_their_thickness_do_not_overlap_by_their_header():
    mixed = slices(*range(0, 30, 3), thickness_mm=10.0, written_mm=8.0)
    with pytest.raises(SubjectError, match="interleaved stacks: slice spacing is 3 mm"):
        checked(mixed)
    assert checked(slices(*range(0, 30, 3), thickness_mm=10.0, written_mm=7.9)) == 10


def test_an_outlier_in_the_middle_is_taken_from_the_lower_part():
    audit = Audit("1")
    kept = drop_irregular(slices(0, 10, 20, 30, 61, 71), 10, audit)
    assert [row[3] for row in audit.rows] == ["3", "2", "1", "0"]
    assert [s.image for s in kept] == ["4", "5"]
    audit = Audit("1")
    assert len(drop_irregular(slices(0, 10, 20, 30, 40, 71, 81), 10, audit)) == 5
    assert [row[3] for row in audit.rows] == ["5", "6"]


def test_a_gap_of_two_and_a_half_spacings_is_no_outlier():
    audit = Audit("1")
    assert len(drop_irregular(slices(0, 10, 20, 45, 55, 65), 10, audit)) == 6
    assert [row[1] for row in audit.rows] == ["slice spacing: special"]


def test_slices_that_overlap_by_their_header_or_lie_beside_each_other_stay():
    assert checked(slices(*range(0, 40, 5), written_mm=5.0)) == 8
    assert checked(slices(*range(0, 80, 10), written_mm=20.0)) == 8
    assert checked(slices(*range(0, 40, 5), thickness_mm=float("nan"))) == 8
    # One more slice between two others is removed, as ever.
    assert checked(slices(0, 10, 15, 20, 30, 40)) == 5


def test_a_gap_that_costs_much_of_a_stack_is_refused_and_one_outlier_is_not():
    with pytest.raises(SubjectError, match=r"slices lost: a gap of 30 mm .* removes 3 of 6"):
        checked(slices(0, 10, 20, 50, 60, 70))
    assert checked(slices(0, 30, 40, 50, 60, 70)) == 5


def test_a_slice_with_less_than_half_of_the_frames_is_refused():
    frames = stack(7, 3, 8)
    found = [group(plane) for plane in planes((f.instance_number, f) for f in frames[:20])]
    groups = {g.slice_.image: g for g in found}
    check_whole([g.slice_ for g in found], groups, 8)
    found[2] = group([(f.instance_number, f) for f in frames[16:19]])
    groups = {g.slice_.image: g for g in found}
    with pytest.raises(SubjectError, match="7/02_00: frames lost: its slice has 3 of 8 frames"):
        check_whole([g.slice_ for g in found], groups, 8)


def test_a_file_without_series_number_of_another_series_costs_no_subject(tmp_path):
    for z in range(4):
        write_series(tmp_path / "a", 5 + z, location_mm=8.0 * z, SeriesInstanceUID="1.2")
    cine = import_study(tmp_path, "7", FOLDER).cine
    write_series(tmp_path / "b", 50, (1,), SeriesNumber=None, SeriesInstanceUID="1.3", PatientID="")
    imported = import_study(tmp_path, "7", FOLDER)
    assert (imported.cine.voxels == cine.voxels).all()
    assert (cine.voxels == expected_voxels()).all()
    problems = imported.audit[["problem", "detail"]].values.tolist()
    assert problems[0][0] == "unreadable file in another series"
    assert "SeriesNumber is absent" in problems[0][1]


def test_a_file_without_patient_is_not_of_another_one(tmp_path):
    for z in range(4):
        write_series(tmp_path, 5 + z, location_mm=8.0 * z, PatientID="" if z == 2 else "1")
    assert (import_study(tmp_path, "7", FOLDER).cine.voxels == expected_voxels()).all()
