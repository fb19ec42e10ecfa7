"""Faults without repair: volumes change by what a formula says, and more with severity."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_study
from cmrseg.labels import Tissue
from cmrseg.phantom import kaggle
from cmrseg.phantom.population import draw_subjects
from truth_pictures import truth_itself

SCAN = {
    "scanner": "1.5T",
    "frames": 6,
    "rows": 48,
    "columns": 40,
    "spacing_mm": 4.0,
    "slice_distance_mm": 8.0,
    "thickness_mm": 8.0,
    "slice_count": 13,
}
LEVELS = {
    "spacing_empirical": ("0.1", "0.2", "0.4"),
    "missing_slice": ("1", "2", "3"),
    "interspersed_single": ("1", "2", "3"),
    "collision_two_series": ("1", "2", "3"),
    "other_pixel_spacing": ("0.1", "0.25", "0.5"),
    "missing_frame_file": ("1", "2", "3"),
    "displaced_slice": ("4", "8", "12"),
}
CASES = ["", "wide_image", *(f"{f}:{level}" for f, levels in LEVELS.items() for level in levels)]
SETTINGS = {"layout": "kaggle", "max_size_px": 256}


@pytest.fixture(scope="module")
def cavity(tmp_path_factory):
    """Cavity voxels (t, z, y, x) and voxel volume in ml of a case, with and without repair."""
    subject = draw_subjects(1, 5).iloc[0].to_dict() | {"scan": 1}
    rows = pd.DataFrame([subject | {"faults": case} for case in CASES])
    rows["subject"] = rows["study"] = [str(i + 1) for i in range(len(CASES))]
    raw = tmp_path_factory.mktemp("unrepaired")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kaggle, "acquire", truth_itself)
        kaggle.write_shard(rows, SCAN, raw)

    @cache
    def found(case, mode):
        name = str(CASES.index(case) + 1)
        folder = raw / "train/train" / name / "study"
        imported = import_study(folder, name, SETTINGS | {"mode": mode})

        def label(file):
            path = raw / "annotations/truth" / folder.relative_to(raw) / file
            return np.asarray(Image.open(path.with_suffix(".png")))

        labels = place_labels(label, imported.sources, imported.cine.voxels.shape)
        return labels == Tissue.LV, float(np.prod(imported.cine.spacing_mm)) / 1000

    return found


def edv_ml(cavity, case, mode):
    voxels, ml = cavity(case, mode)
    return float(voxels[0].sum() * ml)


def test_an_intact_study_is_the_same_in_both_modes(cavity):
    (repaired, a), (unrepaired, b) = cavity("", "corrected"), cavity("", "unrepaired")
    assert a == pytest.approx(b)
    assert (repaired == unrepaired).all()
    assert repaired.any()


def test_a_wrong_slice_distance_in_the_header_scales_all_volumes(cavity):
    usual = edv_ml(cavity, "", "unrepaired")
    for level in (0.1, 0.2, 0.4):
        case = f"spacing_empirical:{level}"
        assert edv_ml(cavity, case, "unrepaired") == pytest.approx((1 - level) * usual)
        assert edv_ml(cavity, case, "corrected") == pytest.approx(usual)


def test_a_missing_slice_takes_its_own_volume_away(cavity):
    whole, ml = cavity("", "unrepaired")
    for count in (1, 2, 3):
        rest, same = cavity(f"missing_slice:{count}", "unrepaired")
        assert same == ml
        assert rest.shape[1] == whole.shape[1] - count
        areas, kept = (v[0].sum(axis=(1, 2)).tolist() for v in (whole, rest))
        assert whole[0].sum() - rest[0].sum() == sum(areas) - sum(kept)
        # What is left are slices of the whole stack, in its order.
        remaining = iter(areas)
        assert all(area in remaining for area in kept)


@pytest.mark.parametrize("fault", ["collision_two_series", "interspersed_single"])
def test_each_additional_slice_adds_its_own_volume(fault, cavity):
    whole, _ = cavity("", "unrepaired")
    for count in (1, 2, 3):
        more, _ = cavity(f"{fault}:{count}", "unrepaired")
        areas, found = ([*v[0].sum(axis=(1, 2))] for v in (whole, more))
        assert len(found) == len(areas) + count
        for area in areas:
            found.remove(area)
        assert more[0].sum() - whole[0].sum() == sum(found)
        assert (cavity(f"{fault}:{count}", "corrected")[0] == whole).all()


def test_a_slice_with_larger_pixels_counts_less_by_their_area(cavity):
    whole, _ = cavity("", "unrepaired")
    for level in (0.1, 0.25, 0.5):
        other, _ = cavity(f"other_pixel_spacing:{level}", "unrepaired")
        areas, found = (v[0].sum(axis=(1, 2)) for v in (whole, other))
        (changed,) = np.flatnonzero(areas != found)
        # Pixels of 4 mm: a few of some hundred lie on the border.
        assert found[changed] == pytest.approx(areas[changed] / (1 + level) ** 2, rel=0.08)


def test_a_displaced_slice_keeps_its_volume_and_a_turned_stack_is_not_turned_back(cavity):
    whole, _ = cavity("", "unrepaired")
    for level in LEVELS["displaced_slice"]:
        moved, _ = cavity(f"displaced_slice:{level}", "unrepaired")
        # But for pixels on the border.
        assert moved.sum() == pytest.approx(whole.sum(), rel=0.005)
        assert (moved != whole).any()
    turned, _ = cavity("wide_image", "unrepaired")
    assert turned.shape[2:] == whole.shape[:1:-1]
    assert turned.sum() == whole.sum()


def test_lost_frames_are_missed_at_the_end(cavity):
    whole, _ = cavity("", "unrepaired")
    found, _ = cavity("missing_frame_file:1", "unrepaired")
    (z,) = np.flatnonzero((found != whole).any(axis=(0, 2, 3)))
    shown = [[t for t in range(6) if t != lost] + [5] for lost in range(1, 5)]
    assert sum((found[:, z] == whole[frames, z]).all() for frames in shown) == 1


@pytest.mark.parametrize(
    "fault", [f for f in LEVELS if f not in ("displaced_slice", "missing_frame_file")]
)
def test_without_repair_errors_grow_with_the_severity_and_repairs_make_them_smaller(fault, cavity):
    usual = edv_ml(cavity, "", "corrected")
    errors = {
        mode: [abs(edv_ml(cavity, f"{fault}:{n}", mode) - usual) for n in LEVELS[fault]]
        for mode in ("unrepaired", "corrected")
    }
    assert 0 < errors["unrepaired"][0] < errors["unrepaired"][1] < errors["unrepaired"][2]
    assert all(a < b for a, b in zip(errors["corrected"], errors["unrepaired"], strict=True))


def test_the_mode_is_for_the_layout_with_named_slices(tmp_path):
    with pytest.raises(
        ValueError, match="mode is 'unrepaired' in layout 'folder', expected kaggle"
    ):
        import_study(tmp_path, "1", {"mode": "unrepaired", "layout": "folder", "max_size_px": None})
