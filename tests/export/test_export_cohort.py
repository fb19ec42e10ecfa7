"""SEG and SR of a cohort's subjects, and the table of those that have none."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.study import import_shard
from cmrseg.export.own_images import raw_folder
from cmrseg.export.subjects import export_subjects
from cmrseg.files import read_table
from cmrseg.measure.labellers import LabelMaps
from cmrseg.sequences import image_path
from dicom_builder import write_study
from dicom_studies import FOLDER

ROWS = [
    {"subject": name, "study": name, "series": "", "set": ""}
    for name in ("first", "second", "none")
]


def test_a_subject_that_cannot_be_written_is_in_the_table_and_stops_no_other(tmp_path):
    def write(row, place):
        (place / "made.txt").write_text("half")
        if row["subject"] == "second":
            raise ValueError("no raw files")
        return {"images": 3}

    table = export_subjects(ROWS, write, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "none", "subjects.tsv"]
    assert read_table(tmp_path / "subjects.tsv").equals(table) or len(table) == 3
    assert table["problem"].tolist() == ["", "no raw files", ""]
    assert table["images"].isna().tolist() == [False, True, False]


def test_a_cohort_of_which_nothing_can_be_written_is_refused(tmp_path):
    def write(row, place):
        raise ValueError("no raw files")

    with pytest.raises(ValueError, match="subject first: no raw files"):
        export_subjects(ROWS, write, tmp_path)


def test_raw_files_that_are_in_no_folder_are_named(tmp_path):
    (tmp_path / "b/first").mkdir(parents=True)
    places = [tmp_path / "a", tmp_path / "b"]
    assert raw_folder(ROWS[0], places, "folder") == tmp_path / "b/first"
    for layout in ("folder", "ukbb_dicom"):
        with pytest.raises(ValueError, match="no raw files second; put them back"):
            raw_folder(ROWS[1], places, layout)


def test_objects_of_a_cohort_are_in_a_folder_per_subject(tmp_path):
    pytest.importorskip("highdicom", reason="highdicom is not installed")
    from cmrseg.export.dicom_cohort import export_dicom
    from cmrseg.export.equipment import Author

    for name in ("first", "second"):
        write_study(tmp_path / "raw" / name)
    import_shard(pd.DataFrame(ROWS[:2]), tmp_path / "raw", tmp_path / "images", FOLDER)
    for name in ("first", "second"):
        cine = Cine.load(image_path(tmp_path / "images" / name, "sa"))
        labels = np.ones(cine.voxels.shape, np.uint8)
        cine.like(labels).save(image_path(tmp_path / "labels" / name, "sa"))
    volumes = pd.DataFrame(
        {
            "subject": ["first", "second"],
            "edv_ml": [100.0, np.nan],
            "ed_frame": [0, np.nan],
            "es_frame": [2, np.nan],
        }
    )
    (tmp_path / "out").mkdir()
    table = export_dicom(
        ROWS,
        LabelMaps("net", "people", [tmp_path / "labels"], "lv,my"),
        Author("net"),
        {name: tmp_path / "images" / name for name in ("first", "second")},
        [tmp_path / "raw"],
        "folder",
        volumes,
        tmp_path / "out",
    )
    made = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.dcm")}
    # Of the second the phases are unknown.
    assert made == {
        *(f"first/sa{ending}" for ending in (".seg.dcm", ".ed.seg.dcm", ".es.seg.dcm", ".sr.dcm")),
        "second/sa.seg.dcm",
    }
    assert table[["subject", "segmented_images", "copied_images", "files"]].values.tolist() == [
        ["first", 12, 0, 4],
        ["second", 12, 0, 1],
    ]
