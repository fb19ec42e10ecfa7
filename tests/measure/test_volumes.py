"""Volumes: voxels times spacing, and the measures made of the curves."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.ventricles import ejection_fraction
from cmrseg.measure.volumes import (
    MEASURES,
    count_voxels,
    measures,
    measures_at,
    pixel_volume_ml,
    volume_curves,
    volumes_table,
    voxel_volume_ml,
)
from cmrseg.sequences import LEFT


def curves(lv_ml, my_ml=None, rv_ml=None, subject="7"):
    zeros = [0.0] * len(lv_ml)
    columns = {"lv_ml": lv_ml, "my_ml": my_ml or zeros, "rv_ml": rv_ml or zeros}
    return pd.DataFrame({"subject": subject, "frame": range(len(lv_ml)), **columns})


def test_volume_counts_voxels_in_ml():
    labels = np.zeros((2, 4, 8, 8), np.uint8)
    labels[1, :2, :5, :2] = Tissue.LV  # 20 voxels of 10 x 1 x 2 mm
    assert volume_curves(labels, (10, 1, 2), "7")["lv_ml"].tolist() == [0.0, 0.4]


def test_a_frame_with_an_unlabelled_slice_has_no_volume():
    labels = np.ones((3, 2, 4, 4), np.uint8)
    labels[0] = UNLABELLED
    labels[1, 1] = UNLABELLED
    volumes = volume_curves(labels, (1, 1, 1), "7")["lv_ml"].to_numpy()
    assert np.isnan(volumes[:2]).all()
    assert volumes[2] == 0.032


def test_an_unlabelled_border_counts_as_nothing():
    labels = np.full((1, 2, 4, 4), UNLABELLED, np.uint8)
    labels[0, :, 1:3, 1:3] = Tissue.MYO
    assert count_voxels(labels).tolist() == [[0, 0, 8] + 7 * [0]]


def test_measures_worked_out_by_hand():
    table = curves([90.0, 100.0, 40.0, 60.0], [70.0, 80.0, 90.0, 75.0], [110.0, 120.0, 60.0, 80.0])
    found = measures(table, frame_interval_s=0.25)
    expected = {
        "edv_ml": 100,
        "esv_ml": 40,
        "sv_ml": 60,
        "ef": 0.6,
        "co_l_min": 3.6,  # 60 ml x 60 per minute
        "mass_g": 84,  # 80 ml x 1.05 g/ml
        "es_mass_g": 94.5,  # 90 ml x 1.05 g/ml
        "rv_edv_ml": 120,
        "rv_esv_ml": 60,
        "rv_sv_ml": 60,
        "rv_ef": 0.5,
        "heart_rate_bpm": 60,
        "ed_frame": 1,
        "es_frame": 2,
    }
    assert tuple(found) == MEASURES
    assert found == pytest.approx(expected)


def test_end_diastole_may_be_the_first_frame():
    found = measures(curves([90.0, 100.0, 40.0]), ed="first")
    assert (found["edv_ml"], found["ed_frame"], found["es_frame"]) == (90, 0, 2)


def test_end_diastole_and_end_systole_may_be_given():
    table = curves([100.0, 90.0, 40.0, 60.0], [70.0, 80.0, 90.0, 75.0], [0.0, 50.0, 0.0, 20.0])
    found = measures_at(table, ed_frame=1, es_frame=3, frame_interval_s=0.25)
    assert [found[name] for name in ("edv_ml", "esv_ml", "rv_edv_ml", "rv_esv_ml")] == [
        90,
        60,
        50,
        20,
    ]
    assert found["mass_g"] == pytest.approx(80 * 1.05)
    assert (found["ed_frame"], found["es_frame"]) == (1, 3)
    assert measures_at(table, 0, 2) == pytest.approx(measures(table), nan_ok=True)


@pytest.mark.parametrize("frame", [-1, 2, 3])
def test_a_frame_without_a_volume_is_refused(frame):
    with pytest.raises(
        ValueError, match=rf"subject 7: frame {frame + 1} \(from 1\) is not labelled"
    ):
        measures_at(curves([100.0, 40.0, math.nan]), 0, frame)


def test_the_first_of_equal_frames_is_taken():
    found = measures(curves([50.0, 100.0, 100.0, 40.0, 40.0]))
    assert (found["ed_frame"], found["es_frame"]) == (1, 3)


@pytest.mark.parametrize(("ed", "frame"), [("first", 1), ("max", 3)])
def test_only_labelled_frames_count(ed, frame):
    nan = math.nan
    found = measures(curves([nan, 60.0, nan, 80.0, 20.0, nan]), 0.1, ed)
    assert (found["ed_frame"], found["es_frame"]) == (frame, 4)
    assert found["heart_rate_bpm"] == pytest.approx(100), "all six frames make the beat"


def test_with_one_labelled_frame_end_systole_and_ejection_fraction_are_unknown():
    found = measures(curves([math.nan, 80.0, math.nan], my_ml=[math.nan, 70.0, math.nan]), 0.25)
    assert (found["ed_frame"], found["edv_ml"], found["mass_g"]) == (1, 80, 73.5)
    unknown = ("es_frame", "esv_ml", "sv_ml", "ef", "co_l_min", "es_mass_g")
    assert np.isnan([found[name] for name in unknown]).all()


def test_a_cine_of_one_frame_has_no_heart_rate():
    found = measures(curves([80.0]), frame_interval_s=0.03)
    assert np.isnan([found[name] for name in ("heart_rate_bpm", "co_l_min", "esv_ml", "ef")]).all()
    assert (found["edv_ml"], found["ed_frame"]) == (80, 0)


def test_an_empty_ventricle_has_no_ejection_fraction():
    assert math.isnan(ejection_fraction(0, 0))
    assert math.isnan(measures(curves([0.0, 0.0]))["ef"])


def test_unknown_frame_interval_leaves_rate_and_output_unknown():
    found = measures(curves([100.0, 50.0]))
    assert math.isnan(found["heart_rate_bpm"])
    assert math.isnan(found["co_l_min"])


def test_a_labeller_that_does_not_know_it_has_no_right_ventricle():
    table = volume_curves(np.ones((2, 1, 2, 2), np.uint8), (10, 10, 10), "7", LEFT)
    assert table["rv_ml"].isna().all()
    assert table["lv_ml"].tolist() == [4.0, 4.0]
    assert math.isnan(measures(table)["rv_edv_ml"])


def test_curves_keep_a_row_for_every_frame():
    labels = np.full((3, 1, 2, 2), UNLABELLED, np.uint8)
    labels[1] = Tissue.RV
    table = volume_curves(labels, (10, 10, 10), "007")
    assert list(table.columns) == ["subject", "frame", "lv_ml", "my_ml", "rv_ml"]
    assert table["subject"].tolist() == ["007"] * 3
    assert table["rv_ml"].tolist()[1] == 4.0
    assert table["rv_ml"].isna().tolist() == [True, False, True]


def test_volumes_table_has_a_row_per_subject_in_the_order_of_the_curves():
    both = pd.concat([curves([10.0, 5.0], subject="9"), curves([8.0, 2.0], subject="10")])
    table = volumes_table(both, {"9": 0.5, "10": math.nan})
    assert list(table.columns) == ["subject", *MEASURES]
    assert table["subject"].tolist() == ["9", "10"]
    assert table["ef"].tolist() == [0.5, 0.75]


def test_a_pixel_grows_by_the_scaling_of_the_longer_side():
    # 192 x 256 padded to 256: the pixel stays; the same at 128: four times the area.
    assert pixel_volume_ml(192, 256, 1.5, 2.0, 10, 256) == pytest.approx(0.03)
    assert pixel_volume_ml(192, 256, 1.5, 2.0, 10, 128) == pytest.approx(0.12)
    assert pixel_volume_ml(512, 472, 0.625, 0.625, 6, 256) == 0.009375


def test_labels_of_other_shape_are_refused_by_name():
    with pytest.raises(ValueError, match=r"subject 7: labels must be integers \(t, z, y, x\)"):
        count_voxels(np.zeros((2, 3, 4), np.uint8), "7")


def test_values_that_are_no_tissue_are_refused_by_name():
    labels = np.zeros((1, 2, 3, 3), np.uint8)
    labels[0, 1, 0, 0] = 9
    with pytest.raises(
        ValueError, match=r"subject 7: frame 1, slice 2 \(from 1\) has labels \[9\], expected 0, 1"
    ):
        count_voxels(labels, "7")


def test_negative_labels_are_refused_by_name():
    with pytest.raises(ValueError, match="subject 7: labels have the value -1, expected 0, 1"):
        count_voxels(np.full((1, 1, 2, 2), -1, np.int16), "7")


def test_a_subject_without_complete_frames_is_refused_by_name():
    with pytest.raises(ValueError, match="subject 7: none of 2 frames is labelled"):
        measures(curves([math.nan, math.nan]))


@pytest.mark.parametrize(
    ("volumes", "frame"),
    [
        ([92.0, 58.5, 92.5], 0),  # the last frame of a triggered cine is a little above the first
        ([98.0, 50.0, 100.0], 0),
        ([97.9, 50.0, 100.0], 2),
        ([100.0, 50.0, 100.0], 0),
    ],
)
def test_the_first_frame_is_diastole_if_it_is_near_the_largest(volumes, frame):
    assert measures(curves(volumes), ed="first_if_near")["ed_frame"] == frame


def test_voxels_of_a_mouse_are_measured_in_hundredths_of_a_microlitre():
    labels = np.zeros((2, 1, 20, 20), np.uint8)
    labels[0, 0, :10, :10] = Tissue.LV
    labels[0, 0, 10:, :10] = Tissue.MYO
    labels[1, 0, :5, :10] = Tissue.LV
    found = measures(volume_curves(labels, (1.0, 0.1, 0.1), "7"))
    assert found["edv_ml"] == pytest.approx(1e-3)  # 100 voxels are 1.00 ul
    assert found["mass_g"] == pytest.approx(1.05e-3)  # and of muscle 1.05 mg


def test_published_means_of_mice_give_their_stroke_volume():
    found = measures(curves([0.0656, 0.0273], [0.1, 0.1]))
    assert found["sv_ml"] == pytest.approx(0.0383)
    assert 100 * found["ef"] == pytest.approx(58.4, abs=0.05)


def test_unknown_rule_of_end_diastole_is_refused():
    with pytest.raises(ValueError, match="ed must be one of first, max, first_if_near, got 'last'"):
        measures(curves([1.0]), ed="last")


def test_impossible_spacing_is_refused():
    with pytest.raises(ValueError, match="spacing_mm must be three positive numbers"):
        voxel_volume_ml((8, 0, 1.4))


def test_missing_frame_interval_is_refused_by_name():
    with pytest.raises(ValueError, match="subjects 7 have curves but no frame interval"):
        volumes_table(curves([1.0]), {})


def test_published_pixel_counts_give_the_published_volumes(data):
    folder = data / "published" / "analysis" / "kaggle"
    predictions = folder / "predictions"
    pixels = pd.read_csv(
        predictions / "resnet34_5percent_size128_normalTfms_ceLoss.tsv.xz",
        sep="\t",
        usecols=["file", "lv_pixels"],
    )
    name = pixels["file"].str.rsplit("/", n=1).str[1]
    parts = name.str.extract(r"^(?P<id>.+)-frame(?P<frame>\d+)-slice\d+\.png$")
    curves_px = pixels["lv_pixels"].groupby([parts["id"], parts["frame"]]).sum()
    text = {"dtype": {"Id": str, "pid": str}, "sep": "\t"}
    sizes = pd.read_csv(folder / "patient_dimensions.tsv", **text).set_index("pid")
    method = "r34_p05_s128"
    for phase, extreme in (("diastole", "max"), ("systole", "min")):
        published = pd.read_csv(predictions / f"prediction_vs_gt_{phase}.tsv", **text)
        published = published[published["method"] == method].set_index("Id")["prediction"]
        counts = curves_px.groupby(level=0).agg(extreme)
        sized = sizes.loc[published.index.str.replace("_rot90", "")]
        per_pixel = [
            pixel_volume_ml(
                row.X, row.Y, row.pixelSpacingX, row.pixelSpacingY, row.sliceSpacing, 128
            )
            for row in sized.itertuples()
        ]
        assert len(published) == 1149
        assert counts[published.index].to_numpy() * per_pixel == pytest.approx(
            published.to_numpy(), abs=1e-9
        )
