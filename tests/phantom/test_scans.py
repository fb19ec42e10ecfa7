"""Scans of a digital patient: nothing differs but what was drawn anew."""

from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cmrseg.dicom.study import import_study
from cmrseg.phantom import kaggle
from cmrseg.phantom.population import draw_parameters, draw_subjects
from cmrseg.phantom.severities import SEVERITIES, split_severity

SCAN = kaggle.Protocol(
    scanner="1.5T",
    frames=4,
    rows=48,
    columns=40,
    spacing_mm=5.0,
    slice_distance_mm=10.0,
    thickness_mm=8.0,
    breath_hold_shift_mm=2.0,
    variety=0.5,
)
IMPORT = {"mode": "corrected", "layout": "kaggle", "max_size_px": 256}
ROW = draw_subjects(1, 3).iloc[0].to_dict()


def plan(scan, changed="", subject="1"):
    row = ROW | {"subject": subject, "scan": scan, "changed": changed}
    return kaggle.plan_stack(row, draw_parameters(row, 4), SCAN, 5)


def of(stack, field):
    return [getattr(s, field) for s in stack.slices]


def test_a_scan_with_nothing_changed_is_the_first_one_whatever_it_is_called():
    first, second = plan(1, subject="1"), plan(2, subject="2")
    assert second.slices == first.slices


def test_an_unchanged_scan_has_the_same_images_and_labels_and_another_noise_the_same_labels(
    tmp_path,
):
    rows = [ROW | {"scan": n, "changed": c} for n, c in ((1, ""), (2, ""), (3, "noise"))]
    table = pd.DataFrame(rows)
    table["subject"] = table["study"] = ["a", "b", "c"]
    small = asdict(SCAN) | {"frames": 2, "rows": 40, "columns": 32, "slice_count": 3}
    kaggle.write_shard(table, small, tmp_path)

    def content(study):
        images = import_study(tmp_path / f"train/train/{study}/study", study, IMPORT).cine
        labels = sorted((tmp_path / f"annotations/truth/train/train/{study}").rglob("*.png"))
        return images.voxels, [path.read_bytes() for path in labels]

    (first, labels), (same, same_labels), (noisy, noisy_labels) = map(content, "abc")
    assert (same == first).all()
    assert same_labels == labels == noisy_labels
    assert (noisy != first).any()


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ("noise", {"seed"}),
        ("breath_holds", {"shift_mm"}),
        ("position", {"plane"}),
        ("slice_offset", {"plane"}),
        ("scanner", set()),
        ("noise,slice_offset", {"seed", "plane"}),
    ],
)
def test_a_scan_changes_what_it_names_and_nothing_else(changed, fields):
    first, second = plan(1), plan(2, changed)
    different = {
        field for field in ("seed", "shift_mm", "plane") if of(first, field) != of(second, field)
    }
    assert different == fields
    assert plan(3, changed) != second or not fields


def test_another_scanner_has_another_contrast_and_the_same_one_has_not():
    rows = [ROW | {"scan": 2, "changed": changed} for changed in ("", "noise", "scanner")]
    same, noisy, other = (kaggle.scanner_of(row, SCAN) for row in rows)
    assert same == noisy == kaggle.scanner_of(ROW, SCAN)
    assert other != same


def test_a_slice_offset_moves_all_slices_along_the_normal_by_half_a_distance_at_most():
    first, second = plan(1), plan(2, "slice_offset")
    normal = first.slices[0].plane.normal
    offsets = np.array(
        [
            np.subtract(b.plane.position_mm, a.plane.position_mm)
            for a, b in zip(first.slices, second.slices, strict=True)
        ]
    )
    along = offsets @ normal
    assert np.ptp(along) == pytest.approx(0, abs=1e-9)
    assert 0 < abs(along[0]) <= 5
    assert offsets == pytest.approx(np.outer(along, normal))


def test_another_position_keeps_the_slices_parallel_and_equally_far_apart():
    planes = of(plan(2, "position"), "plane")
    normal = planes[0].normal
    usual = plan(1).slices[0].plane.normal
    assert 0.1 < np.degrees(np.arccos(normal @ usual)) < 10
    for a, b in pairwise(planes):
        assert a.normal == pytest.approx(b.normal)
        step = np.subtract(b.position_mm, a.position_mm)
        assert step == pytest.approx(10 * np.sign(step @ normal) * normal)


def test_an_unknown_change_is_refused():
    with pytest.raises(ValueError, match="changed is 'weather', expected some of noise, position"):
        plan(2, "weather")


def test_severities_are_read_and_wrong_ones_refused():
    assert split_severity("missing_slice:2") == ("missing_slice", 2)
    assert split_severity("wide_image") == ("wide_image", None)
    with pytest.raises(ValueError, match="fault wide_image has no severity; those that have one"):
        split_severity("wide_image:2")
    for cell in ("missing_slice:1.5", "missing_slice:0", "missing_slice:many"):
        with pytest.raises(ValueError, match=r"expected a whole number from 1 to 4 \(slices\)"):
            split_severity(cell)
    with pytest.raises(ValueError, match="fault other_pixel_spacing:2: expected a number from"):
        split_severity("other_pixel_spacing:2")
    assert all(s.lowest <= s.highest for s in SEVERITIES.values())
