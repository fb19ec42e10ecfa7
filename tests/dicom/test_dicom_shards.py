"""Import of a table of subjects: what is written, and what is audited of the others."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_shard
from cmrseg.files import read_table
from dicom_builder import write_study
from dicom_studies import CORRECTED, expected_voxels


@pytest.fixture
def shard(tmp_path):
    """Raw data of subjects 1 (clean), 2 (no pixels), 3 (a stray, then truncated); 4 is absent."""
    for study in "123":
        write_study(tmp_path / "raw/train/train" / study / "study", slices=2, PatientID=study)
    path = tmp_path / "raw/train/train/2/study/sax_5/IM-0005-0001.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    (tmp_path / "raw/train/train/3/study/sax_5/a.txt").write_text("x")
    path = tmp_path / "raw/train/train/3/study/sax_6/IM-0006-0001.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    rows = [{"subject": s, "study": s, "series": "", "set": "train"} for s in "1234"]
    return pd.DataFrame(rows), tmp_path / "raw", tmp_path / "images"


def test_a_shard_writes_what_it_can_and_audits_the_rest(shard):
    audit, headers = import_shard(*shard, CORRECTED)
    assert audit[["subject", "problem"]].to_numpy().tolist() == [
        ["2", "unreadable file"],
        ["3", "not a DICOM file"],
        ["3", "unreadable file"],
        ["4", "no images"],
    ]
    images = shard[2]
    assert [p.name for p in images.iterdir()] == ["1"]
    cine = Cine.load(images / "1" / "sa.nii.gz")
    assert (cine.voxels == expected_voxels(slices=2)).all()
    assert cine.frame_interval_s == pytest.approx(0.1)
    sources = read_table(images / "1" / "sources.tsv")
    assert sources.columns[:3].tolist() == ["z", "t", "file"]
    labels = place_labels(lambda file: np.ones((12, 10), np.uint8), sources, cine.voxels.shape)
    assert (labels == 1).all()
    # Of subjects that were left out, too, and of the files that end their import.
    assert headers["subject"].value_counts().to_dict() == {"1": 6, "2": 6, "3": 6}


def test_a_shard_is_written_twice_with_the_same_bytes(shard, tmp_path):
    rows, raw, images = shard
    import_shard(rows, raw, images, CORRECTED)
    import_shard(rows, raw, tmp_path / "again", CORRECTED)
    for name in ("1/sa.nii.gz", "1/sources.tsv"):
        assert (images / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_an_unforeseen_error_is_audited_and_stops_no_shard(shard, monkeypatch):
    rows, raw, images = shard

    def fail(*_):
        raise ZeroDivisionError(f"surprise in {raw}/train/train/1/study/sax_5 and {__file__}")

    monkeypatch.setattr("cmrseg.dicom.conversion.assemble", fail)
    audit, headers = import_shard(rows.head(1), raw, images, CORRECTED)
    assert audit.iloc[0].tolist() == [
        "1",
        "other",
        "subject excluded",
        "",
        "ZeroDivisionError: surprise in sax_5 and test_dicom_shards.py",
    ]
    assert headers["subject"].tolist() == ["1"] * 6


def test_a_study_that_is_not_there_has_no_path_of_the_machine_in_the_audit(shard):
    rows, raw, images = shard
    (raw / "train/train/5/study").mkdir(parents=True)
    rows = pd.concat([rows.tail(1), rows.tail(1).assign(subject="5", study="5")])
    audit, headers = import_shard(rows, raw, images, CORRECTED)
    assert audit["detail"].tolist() == [
        "no folder train/train/4/study; check the subject table's study",
        "no image file in train/train/5/study",
    ]
    assert headers.columns.tolist() == ["subject", "pid", "dir", "file"]


def test_a_shard_of_no_subjects_gives_empty_tables(shard):
    audit, headers = import_shard(shard[0].head(0), *shard[1:], CORRECTED)
    assert audit.empty
    assert headers.empty
