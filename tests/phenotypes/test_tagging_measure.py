"""Strain by tagging of an examination: columns, details, end-systole, and what is not known."""

import numpy as np
import pytest

from annular_heart import annulus
from cmrseg.cine import Cine
from cmrseg.measure.aha_segments import SEGMENTS
from cmrseg.measure.ring_curves import CONVENTIONS, curve
from cmrseg.phenotypes.examination import Examination, View, measure_shard
from cmrseg.phenotypes.tagging import COLUMNS, measured
from cmrseg.points import save_points
from cmrseg.ring import by_spoke
from cmrseg.sequences import image_path, points_path
from tag_rings import beating, example_points, incompressible, tagged

FACTORS = (1, 0.97, 0.9, 0.8, 0.85, 0.95, 0.98, 0.99, 1)


def short_axis(es_factor: float = 0.8) -> Cine:
    """Labels over a beat on the grid of the tagged cine: 12 slices around its three, RV at left."""
    affine = tagged(1).affine.copy()
    affine[:3, 2], affine[2, 3] = (0, 0, -8), 60
    affine[:2, 3] = affine[:2, 0:2].sum(axis=1) * -32
    frames = [annulus(20 * f, 26, slices=12, affine=affine).voxels[0] for f in (1, es_factor, 0.9)]
    return Cine(np.stack(frames), affine, 0.12)


def examined(points, interval_s: float = 0.04, **more) -> Examination:
    image = tagged(*points.shape[:2], interval_s)
    labels = {"sa": more["labels"]} if "labels" in more else {}
    return Examination("1", {}, labels, {"tag": image}, points={"tag": points})


def test_every_column_has_a_value_where_segments_are_known():
    found = measured(examined(beating(FACTORS), labels=short_axis()), "corrected")
    assert set(found.values) == set(COLUMNS)
    assert found.doubt == ""
    assert not [name for name, value in found.values.items() if np.isnan(value)]


def test_a_heart_that_shrinks_by_a_fifth_has_the_strains_of_the_formula():
    found = measured(examined(beating(FACTORS), labels=short_axis()), "corrected").values
    green, lagrangian = 50 * (0.8**2 - 1), -20
    assert found["tag_es_frame"] == 3
    assert found["tag_es_ms"] == pytest.approx(120)
    for place in ("basal", "mid", "apical", "global", "1", "12", "16"):
        for column in ("ecc_green_midwall", "err_green_wall"):
            assert found[f"tag_{column}_es_{place}_percent"] == pytest.approx(green)
    assert found["tag_ecc_green_midwall_peak_mid_percent"] == pytest.approx(green)
    for name in ("ecc_lagrangian_midwall", "ecc_lagrangian_contour_endo", "err_lagrangian_wall"):
        assert found[f"tag_{name}_es_global_percent"] == pytest.approx(lagrangian)
    assert found["tag_ecc_green_gradient_es_mid_percent"] == pytest.approx(0)
    assert found["tag_ecc_green_midwall_time_to_peak_mid_ms"] == pytest.approx(120)
    assert found["tag_ecc_green_midwall_relative_time_to_peak_mid_percent"] == pytest.approx(
        100 / 3
    )
    assert found["tag_ecc_green_midwall_last_mid_percent"] == pytest.approx(0)
    # Green strain falls from that of 0.97 to that of 0.8 in two frames of 40 ms.
    rate = (0.8**2 - 0.97**2) / 2 / 0.08
    assert found["tag_ecc_green_midwall_systolic_rate_mid_per_s"] == pytest.approx(rate)
    rate = (0.95**2 - 0.8**2) / 2 / 0.08
    assert found["tag_ecc_green_midwall_diastolic_rate_mid_per_s"] == pytest.approx(rate)


def test_a_wall_that_keeps_its_area_shortens_more_inside():
    found = measured(examined(incompressible([0, 36, 10])), "corrected").values
    # Radii of 10 and 22 px: (r² - 36) / r² - 1, halved.
    assert found["tag_ecc_green_endo_es_mid_percent"] == pytest.approx(-18)
    assert found["tag_ecc_green_epi_es_mid_percent"] == pytest.approx(-36 / 484 * 50)
    assert found["tag_ecc_green_gradient_es_mid_percent"] == pytest.approx(-18 + 36 / 484 * 50)


def test_details_have_every_curve_in_every_convention():
    details = measured(examined(beating(FACTORS), labels=short_axis()), "corrected").details
    assert len(details) == 7 * (3 + 1 + 16) * len(FACTORS)
    assert set(details["place"]) == {
        *("basal", "mid", "apical", "global"),
        *(str(segment.number) for segment in SEGMENTS),
    }
    assert set(details["levels_from"]) == {"short-axis labels"}
    assert set(details["es_from"]) == {"rings of slices 1"}
    at_es = details[details["phase"] == "es"]
    assert set(at_es["frame"]) == {3}
    assert set(at_es["time_ms"]) == {120}
    for (tensor, _), column in CONVENTIONS.items():
        expected = -18 if tensor == "green" else -20
        np.testing.assert_allclose(at_es[column], expected, atol=1e-9)
    assert set(details.loc[details["place"] == "global", "slices"]) == {"0,1,2"}
    assert set(details.loc[details["place"] == "7", "slices"]) == {"1"}


def test_without_a_short_axis_segments_are_unknown_and_slices_are_in_order():
    found = measured(examined(beating(FACTORS)), "corrected")
    assert set(found.details["levels_from"]) == {"order of slices"}
    assert set(found.details["segments_from"]) == {"unknown"}
    assert set(found.details["place"]) == {"basal", "mid", "apical", "global"}
    assert found.values["tag_ecc_green_midwall_es_basal_percent"] == pytest.approx(-18)
    assert np.isnan(found.values["tag_ecc_green_midwall_es_7_percent"])


def test_a_segment_that_does_not_move_has_no_strain():
    points = beating(FACTORS)
    rings = by_spoke(points)
    # Of the mid slice, spokes 14 to 20, at the lower right of the picture, stay where they are.
    rings[:, 1, 14:21] = rings[0, 1, 14:21]
    found = measured(examined(points, labels=short_axis()), "corrected").values
    by_segment = {n: found[f"tag_ecc_green_midwall_es_{n}_percent"] for n in range(7, 13)}
    # 11 is mid inferolateral, at 30 to 90 degrees; 7 to 9 are anterior and septal, on the left.
    assert by_segment[11] == pytest.approx(0, abs=1e-9)
    assert [by_segment[n] for n in (7, 8, 9)] == pytest.approx([-18] * 3)
    assert found["tag_ecc_green_midwall_es_5_percent"] == pytest.approx(-18)


def test_segments_start_at_the_insertion_of_the_right_ventricle():
    points = beating(FACTORS)
    rings = by_spoke(points)
    rings[:, 1, 14:21] = rings[0, 1, 14:21]
    image = tagged(len(FACTORS))
    # 240 degrees clockwise from the right: the septum's middle is on the left, as in `short_axis`.
    x, y = 64 + 22 * np.cos(np.deg2rad(240)), 64 + 22 * np.sin(np.deg2rad(240))
    about = {"rv_insertion_x_px": x, "rv_insertion_y_px": y}
    for labels in ({}, {"sa": short_axis()}):
        known = Examination("1", about, labels, {"tag": image}, points={"tag": points})
        found = measured(known, "corrected")
        assert set(found.details["segments_from"]) == {"insertion of the RV"}
        assert found.values["tag_ecc_green_midwall_es_11_percent"] == pytest.approx(0, abs=1e-9)
        assert found.values["tag_ecc_green_midwall_es_8_percent"] == pytest.approx(-18)
    points[0, 1] = np.nan
    with pytest.raises(ValueError, match="rv_insertion_x_px and rv_insertion_y_px are of slice 2"):
        measured(known, "corrected")


def test_labels_tell_which_slice_is_basal():
    # Slice 0 alone contracts; it is the lowest one where the stack runs upwards.
    points = beating(FACTORS)
    points[:, 1:] = points[:1, 1:]
    points[:, 1] = beating((1, 1, 1, 0.99, 1, 1, 1, 1, 1), slices=1)[:, 0]
    image = tagged(len(FACTORS))
    upwards = image.affine.copy()
    upwards[2, 2], upwards[2, 3] = 20, 0
    turned = Cine(image.voxels, upwards, 0.04)
    known = Examination("1", {}, {"sa": short_axis()}, {"tag": turned}, points={"tag": points})
    found = measured(known, "corrected").values
    assert found["tag_ecc_green_midwall_es_apical_percent"] == pytest.approx(-18)
    assert found["tag_ecc_green_midwall_es_basal_percent"] == pytest.approx(0)


def test_a_slice_without_landmarks_has_no_strain_and_nor_has_the_heart():
    points = beating(FACTORS)
    points[:, 0] = np.nan
    found = measured(examined(points), "corrected")
    assert np.isnan(found.values["tag_ecc_green_midwall_es_basal_percent"])
    assert np.isnan(found.values["tag_ecc_green_midwall_es_global_percent"])
    assert found.values["tag_ecc_green_midwall_es_mid_percent"] == pytest.approx(-18)
    assert (found.details.loc[found.details["place"] == "basal", "known_links"] == 0).all()


def test_end_systole_comes_from_the_short_axis_where_the_middle_ring_has_a_gap():
    points = beating(FACTORS)
    by_spoke(points)[2, 1, 5, 0] = np.nan
    found = measured(examined(points, labels=short_axis()), "corrected")
    # Its end-systole is frame 1, after 120 ms.
    assert found.values["tag_es_frame"] == 3
    assert set(found.details["es_from"]) == {"short-axis labels"}
    without = measured(examined(points), "corrected")
    assert np.isnan(without.values["tag_es_frame"])
    assert np.isnan(without.values["tag_ecc_green_midwall_es_mid_percent"])
    assert without.values["tag_ecc_green_midwall_peak_mid_percent"] == pytest.approx(-18)
    assert set(without.details["es_from"]) == {"unknown"}


def test_of_two_slices_both_say_when_end_systole_is():
    points = beating(FACTORS, slices=2)
    # The first slice is smallest one frame later.
    points[:, 0] = beating((1, 0.97, 0.9, 0.82, 0.8, 0.95, 0.98, 0.99, 1), slices=1)[:, 0]
    found = measured(examined(points), "corrected")
    assert set(found.details["es_from"]) == {"rings of slices 0,1"}
    assert found.values["tag_es_frame"] == 3
    assert found.values["tag_ecc_green_midwall_es_apical_percent"] == pytest.approx(-18)
    assert np.isnan(found.values["tag_ecc_green_midwall_es_mid_percent"])


def test_times_and_rates_are_unknown_where_the_interval_is():
    found = measured(examined(beating(FACTORS), interval_s=float("nan")), "corrected").values
    assert found["tag_es_frame"] == 3
    unknown = {name for name, value in found.items() if np.isnan(value)}
    assert all(name.endswith(("_ms", "_per_s")) for name in unknown if "global" in name)
    assert "tag_es_ms" in unknown


def test_labels_that_are_no_heart_leave_segments_unknown(caplog):
    labels = short_axis()
    empty = Cine(np.where(labels.voxels == 3, 0, labels.voxels), labels.affine, 0.12)
    found = measured(examined(beating(FACTORS), labels=empty), "corrected")
    assert "subject 1: no segments:" in caplog.text
    assert found.values["tag_ecc_green_midwall_es_mid_percent"] == pytest.approx(-18)


def test_the_published_example_has_its_published_strain(data):
    points = example_points(data)
    found = measured(examined(points), "corrected").values
    assert found["tag_es_frame"] == 7
    assert found["tag_ecc_green_midwall_es_mid_percent"] == pytest.approx(-21.5343, abs=1e-4)
    assert found["tag_ecc_green_wall_es_mid_percent"] == pytest.approx(-23.2821, abs=1e-4)
    assert found["tag_err_green_wall_peak_mid_percent"] == pytest.approx(18.6004, abs=1e-4)
    assert found["tag_ecc_lagrangian_midwall_es_mid_percent"] == pytest.approx(-24.7480, abs=1e-4)
    assert np.isnan(found["tag_ecc_green_midwall_es_basal_percent"])


def test_points_of_another_kind_and_none_are_refused():
    known = examined(beating(FACTORS))
    with pytest.raises(ValueError, match="no landmarks of tag"):
        measured(Examination("1", {}, {}, known.images), "corrected")
    few = {"tag": known.points["tag"][:, :, :2]}
    with pytest.raises(ValueError, match="2 points in a slice of tag, expected the 168 of a ring"):
        measured(Examination("1", {}, {}, known.images, points=few), "corrected")
    lost = known.points["tag"].copy()
    lost[0] = np.nan
    with pytest.raises(ValueError, match="no landmark of tag is known in the first frame"):
        measured(Examination("1", {}, {}, known.images, points={"tag": lost}), "corrected")


def test_a_shard_reads_points_with_their_images(tmp_path):
    image, points = tagged(len(FACTORS)), beating(FACTORS)
    for subject in ("a", "b", "c"):
        (tmp_path / "images" / subject).mkdir(parents=True)
        image.save(image_path(tmp_path / "images" / subject, "tag"))
    for subject in ("a", "b"):
        (tmp_path / "ring" / subject).mkdir(parents=True)
    save_points(points, image, points_path(tmp_path / "ring" / "a", "tag"))
    save_points(points[:, :, :5], image, points_path(tmp_path / "ring" / "b", "tag"))
    views = [View("tag", images=str(tmp_path / "images"), points=str(tmp_path / "ring"))]
    rows = [{"subject": subject, "split": "test"} for subject in ("a", "b", "c")]
    table, details = measure_shard(
        rows, views, COLUMNS, lambda examination: measured(examination, "corrected")
    )
    # Nobody placed points in c.
    assert table["subject"].tolist() == ["a", "b"]
    assert table["doubt"].tolist() == [
        "",
        "5 points in a slice of tag, expected the 168 of a ring",
    ]
    assert table["tag_ecc_green_midwall_es_mid_percent"][0] == pytest.approx(-18, abs=1e-6)
    assert set(details["subject"]) == {"a"}
    assert curve(details, "radial", "wall", "mid", "lagrangian_percent") == pytest.approx(
        100 * (np.array(FACTORS) - 1), abs=1e-6
    )
