"""Two observers: percent differences at the frames of the first."""

import math

import pandas as pd
import pytest

from cmrseg.labels import Tissue
from cmrseg.measure.cohort_summary import image_counts
from cmrseg.measure.observers import end_frames, observer_table


@pytest.fixture
def counts():
    """Two slices, three frames of one subject; ED is frame 1, ES frame 2."""
    return pd.DataFrame(
        {
            "subject": "07",
            "frame": [0, 0, 1, 1, 2, 2],
            "first_px": [30, 30, 60, 40, 30, 20],
            "second_px": [20, 20, 60, 60, 30, 30],
        }
    )


def test_frames_are_those_of_the_first_observer(counts):
    frames = end_frames(counts)
    assert frames.to_dict("records") == [{"subject": "07", "es_frame": 2, "ed_frame": 1}]


def test_percent_differences_worked_out_by_hand(counts):
    table = observer_table(counts, end_frames(counts), ml_per_pixel=0.5)
    row = table.iloc[0]
    assert row["subject"] == "07"
    volumes = ["edv_ml", "esv_ml", "second_edv_ml", "second_esv_ml"]
    assert row[volumes].tolist() == [50, 25, 60, 30]
    assert row[["edv_percent", "esv_percent", "sv_percent", "ef_percent"]].tolist() == [
        20,
        20,
        20,
        0,
    ]


def test_the_last_row_is_the_mean_of_the_subjects(counts):
    other = counts.assign(subject="08", second_px=counts["first_px"])
    both = pd.concat([counts, other])
    table = observer_table(both, end_frames(both), 1)
    assert table["subject"].tolist() == ["07", "08", "mean"]
    assert table["edv_percent"].tolist() == [20, 0, 10]


def test_an_observer_equals_itself(counts):
    same = counts.assign(second_px=counts["first_px"])
    table = observer_table(same, end_frames(same), 1)
    assert (table.filter(like="percent") == 0).all(axis=None)


def test_a_percentage_of_nothing_is_nan(counts):
    empty = counts.assign(first_px=0)
    table = observer_table(empty, end_frames(counts), 1)
    assert math.isnan(table["ef_percent"].iloc[0])
    assert math.isnan(table["edv_percent"].iloc[0])


def test_subjects_without_frames_are_named(counts):
    with pytest.raises(ValueError, match="subject 07 has counts but no end-systolic"):
        observer_table(counts, end_frames(counts)[:0], 1)


def test_frames_without_images_are_named(counts):
    frames = end_frames(counts).assign(es_frame=9)
    with pytest.raises(ValueError, match="subject 07 has no images of frame 10"):
        observer_table(counts, frames, 1)


def seven_t(data):
    return data / "published" / "analysis" / "7T"


def test_a_subject_without_end_systole_has_no_differences_of_it():
    counts = pd.DataFrame(
        {"subject": "1", "frame": [0, 1], "first_px": [100.0, 40.0], "second_px": [90.0, 40.0]}
    )
    frames = pd.DataFrame({"subject": ["1"], "es_frame": [math.nan], "ed_frame": [0]})
    row = observer_table(counts, frames, ml_per_pixel=1.0).iloc[0]
    assert row["edv_percent"] == 10
    assert row[["esv_percent", "sv_percent", "ef_percent"]].isna().all()


@pytest.mark.parametrize(
    ("pair", "percents"),
    [
        ("WS_TR", [4.8, 6.6, 9.0, 6.0]),
        ("WS_doubleTransferLearn", [6.4, 10.5, 17.4, 11.2]),
        ("TR_doubleTransferLearn", [4.3, 4.2, 11.3, 7.4]),
    ],
)
def test_published_observer_differences_are_reproduced(data, pair, percents):
    folder = seven_t(data)
    confusion = pd.read_csv(folder / "confusion_tables" / f"confusion_{pair}.tsv", sep="\t")
    confusion = confusion[confusion["set"] == "test"]
    name = confusion["image"].str.extract(r"^(?P<subject>\d+)_slice\d+_frame(?P<frame>\d+)$")
    pixels = image_counts(confusion)[:, Tissue.LV], image_counts(confusion)[:, :, Tissue.LV]
    counts = name.assign(
        frame=name["frame"].astype(int),
        first_px=pixels[0].sum(axis=1),
        second_px=pixels[1].sum(axis=1),
    )
    frames = pd.read_csv(folder / "esed_frames.tsv", sep="\t", dtype={"Id": str})
    frames = frames[frames["Id"] != "24"]
    frames = frames.rename(columns={"Id": "subject", "es": "es_frame", "ed": "ed_frame"})
    mean = observer_table(counts, frames, ml_per_pixel=0.009375).iloc[-1]
    found = [round(mean[f"{name}_percent"], 1) for name in ("edv", "esv", "sv", "ef")]
    assert found == percents


def test_published_frames_are_reproduced(data):
    pixels = pd.read_csv(seven_t(data) / "pixel_counts_by_class.tsv", sep="\t")
    name = pixels["file"].str.extract(r"^(?P<subject>\d+)_slice\d+_frame(?P<frame>\d+)-mask")
    counts = pixels.assign(
        subject=name["subject"], frame=name["frame"].astype(int), first_px=pixels["lv"]
    )
    published = pd.read_csv(seven_t(data) / "esed_frames.tsv", sep="\t", dtype={"Id": str})
    found = end_frames(counts).merge(
        published.drop_duplicates("Id"), left_on="subject", right_on="Id"
    )
    assert len(found) == 23
    assert (found["es_frame"] == found["es"]).all()
    assert (found["ed_frame"] == found["ed"]).all()
    test = found.set_index("subject").loc[["26", "27", "28"], ["es_frame", "ed_frame"]]
    assert test.to_numpy().tolist() == [[9, 24], [7, 0], [8, 19]]
