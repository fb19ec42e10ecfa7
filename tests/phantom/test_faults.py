"""Every known inconsistency, written on purpose: the import must find it and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cmrseg.dicom.audit import COLUMNS
from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_shard, import_study
from cmrseg.files import read_table
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.phantom import kaggle
from cmrseg.phantom.damage import FATAL
from cmrseg.phantom.faults import FAULTS, apply_faults
from cmrseg.phantom.plan import recentred, turned
from cmrseg.phantom.population import draw_parameters, draw_subjects
from truth_pictures import truth_itself

IMPORT = {"mode": "corrected", "layout": "kaggle", "max_size_px": 256}
SCAN = {
    "scanner": "1.5T",
    "frames": 4,
    "rows": 64,
    "columns": 48,
    "spacing_mm": 4.0,
    "slice_distance_mm": 8.0,
    "thickness_mm": 8.0,
    "slice_count": 9,
}
WHAT = COLUMNS[:4]
# Faults that stand side by side in one subject; "" is an intact one.
CASES = [
    "",
    *FAULTS,
    "wide_image,rotated_slice,missing_frames",
    "large_image,missing_slice,other_pixel_spacing",
    "wide_image,other_matrix,collision_two_series,spacing_top",
    "rotated_slice,displaced_slice",
    "wide_image,large_image,displaced_slice,missing_slice",
]


@pytest.fixture(scope="module")
def subject():
    return draw_subjects(1, 3).iloc[0]


@pytest.fixture(scope="module")
def shard(subject, tmp_path_factory):
    """The same heart once for each case: subject table, raw folder, audit, folder of images."""
    rows = pd.DataFrame([subject.to_dict() | {"faults": case} for case in CASES])
    rows["subject"] = rows["study"] = [str(i + 1) for i in range(len(CASES))]
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kaggle, "acquire", truth_itself)
        kaggle.write_shard(rows, SCAN, folder / "raw")
    audit, _ = import_shard(rows, folder / "raw", folder / "images", IMPORT)
    return rows, folder / "raw", audit


def plan(subject, **changes):
    row = subject.to_dict()
    return kaggle.plan_stack(row, draw_parameters(row), kaggle.Protocol(**(SCAN | changes)), 5)


def rows_of(table, name):
    return sorted(table.loc[table["subject"] == name, WHAT].itertuples(index=False, name=None))


@pytest.mark.parametrize("case", CASES)
def test_import_finds_the_fault_in_its_place_and_nothing_else(case, shard):
    rows, raw, audit = shard
    name = rows.loc[rows["faults"] == case, "subject"].item()
    expected = rows_of(read_table(raw / "manifest.tsv"), name)
    assert rows_of(audit, name) == expected
    assert bool(expected) == bool(case)


def imported_truth(shard, case):
    """Cine and carried labels (t, z, y, x) of the subject with these faults."""
    rows, raw, _ = shard
    study = rows.loc[rows["faults"] == case, "study"].item()
    folder = raw / "train/train" / study / "study"
    imported = import_study(folder, study, IMPORT)

    def label(file):
        path = raw / "annotations/truth/train/train" / study / "study" / file
        return np.asarray(Image.open(path.with_suffix(".png")))

    shape = imported.cine.voxels.shape
    return imported.cine, place_labels(label, imported.sources, shape)


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if case
        and not any(f in case for f in ("missing_slice", "top", "bottom", "special"))
        and FAULTS.get(case) not in FATAL
    ],
)
def test_repaired_study_shows_the_heart_of_the_intact_one(case, shard):
    intact, truth = imported_truth(shard, "")
    repaired, labels = imported_truth(shard, case)
    assert (labels != UNLABELLED).all()
    if labels.shape != truth.shape:  # a finer matrix: compare volumes
        voxel_ml = [np.prod(c.spacing_mm) / 1000 for c in (repaired, intact)]
        volumes = [
            (x == Tissue.LV).sum() * v for x, v in zip((labels, truth), voxel_ml, strict=True)
        ]
        assert volumes[0] == pytest.approx(volumes[1], rel=0.02)
        return
    overlap = 2 * ((labels == 1) & (truth == 1)).sum() / ((labels == 1).sum() + (truth == 1).sum())
    # Lost frames are copies of others; turned pictures are resampled at 4 mm.
    assert overlap > 0.93
    assert repaired.affine == pytest.approx(intact.affine, abs=1e-3)


def test_faults_of_geometry_are_shown_in_the_picture(subject):
    intact = plan(subject)
    rotated = apply_faults(intact, ["rotated_slice"], 1)
    (old, new), *others = [
        (a.plane, b.plane)
        for a, b in zip(intact.slices, rotated.slices, strict=True)
        if a.plane != b.plane
    ]
    assert not others
    angle = np.degrees(np.arccos(np.dot(old.row_direction, new.row_direction)))
    assert 8 <= angle <= 25
    assert new.normal == pytest.approx(old.normal)


def test_interspersed_slices_lie_between_their_neighbours(subject):
    stack = apply_faults(plan(subject), ["interspersed_double"], 1)
    locations = sorted(s.location_mm for s in stack.slices)
    assert np.diff(locations).min() == pytest.approx(0.33 * 8)
    assert len(locations) == 11


def test_place_of_a_fault_depends_on_seed_and_name_alone(subject):
    stack = plan(subject)
    alone = apply_faults(stack, ["rotated_slice"], 4)
    assert apply_faults(stack, ["rotated_slice"], 4) == alone
    beside = apply_faults(stack, ["wide_image", "not_dicom", "rotated_slice"], 4)
    assert alone.rows[0] in beside.rows
    assert len({apply_faults(stack, ["rotated_slice"], seed).rows for seed in range(9)}) > 2


def test_turning_a_plane_four_times_is_identity(subject):
    plane = plan(subject).slices[3].plane
    once = turned(plane)
    assert (once.rows, once.columns) == (plane.columns, plane.rows)
    # The first pixel of the turned picture is the last row's first pixel of the upright one.
    bottom = plane.points_mm(slice(63, 64), slice(0, 1)).ravel()
    assert once.position_mm == pytest.approx(bottom)
    again = turned(turned(turned(once)))
    assert again.position_mm == pytest.approx(plane.position_mm)
    assert again.row_direction == pytest.approx(plane.row_direction)


def test_recentring_keeps_the_middle_of_the_picture(subject):
    plane = plan(subject).slices[0].plane
    other = recentred(plane, rows=32, row_spacing_mm=1.0)
    middle = [
        np.array([p.points_mm(slice(0, p.rows), slice(0, p.columns))[0].mean((0, 1))])
        for p in (plane, other)
    ]
    assert middle[0] == pytest.approx(middle[1])


def test_every_fault_is_documented():
    assert all(fault.__doc__ for fault in FAULTS.values())


def test_unknown_fault_is_refused_by_subject_and_name(subject):
    with pytest.raises(ValueError, match="subject 1: unknown fault upside_down"):
        apply_faults(plan(subject), ["upside_down"], 1)


def test_too_many_faults_for_a_stack_are_refused(subject):
    with pytest.raises(ValueError, match=r"subject 1: fault \w+: no 1 neighbouring inner slices"):
        apply_faults(
            plan(subject, slice_count=4), ["rotated_slice", "other_matrix", "missing_frames"], 1
        )


def test_two_faults_at_one_end_are_refused(subject):
    with pytest.raises(ValueError, match="fault spacing_bottom: the end of the stack has a fault"):
        apply_faults(plan(subject), ["outlier_slices", "spacing_bottom"], 1)


def test_contradicting_slice_distances_are_refused(subject):
    with pytest.raises(ValueError, match="fault spacing_metadata: spacing_empirical gives all"):
        apply_faults(plan(subject), ["spacing_metadata", "spacing_empirical"], 1)


def test_fault_that_ends_the_import_stands_alone(subject):
    with pytest.raises(ValueError, match="fault missing_tag ends the import"):
        apply_faults(plan(subject), ["missing_tag", "rotated_slice"], 1)


def test_fault_outside_the_selected_series_is_refused(subject):
    row = subject.to_dict() | {"series": "sax_10", "faults": "collision_two_series"}
    listed = ",".join(f"sax_{10 + i}" for i in range(9))
    row["series"] = listed
    with pytest.raises(ValueError, match=r"subject 1: its faults write \['sax_\d+'\]"):
        kaggle.plan_study([row], draw_parameters(row), kaggle.Protocol(**SCAN))


def test_changing_a_slice_leaves_the_others(subject):
    stack = plan(subject)
    changed = stack.change(stack.at(2), series_number=99)
    assert [s.series_number for s in changed.slices].count(99) == 1
    assert changed.slices[:2] == stack.slices[:2]
    assert stack.at(2) == replace(changed.at(2), series_number=stack.at(2).series_number)
