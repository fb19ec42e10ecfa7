"""Import of end-diastolic and end-systolic volumes, whole and damaged."""

import gzip

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.nifti import import_shard


@pytest.fixture
def raw(tmp_path):
    for study in "12":
        (tmp_path / "raw" / study).mkdir(parents=True)
        for frame in ("ED", "ES"):
            voxels = np.ones((1, 2, 8, 8), np.float32)
            Cine(voxels, np.eye(4)).save(tmp_path / "raw" / study / f"sa_{frame}.nii.gz")
    return tmp_path / "raw"


def broken_stream(path):
    content = bytearray(path.read_bytes())
    content[40:60] = b"\xff" * 20
    path.write_bytes(content)


def unknown_type(path):
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[70:72] = b"\x63\x00"
    path.write_bytes(gzip.compress(bytes(content)))


def cut(path):
    path.write_bytes(path.read_bytes()[:60])


def gone(path):
    path.unlink()


def not_finite(path):
    voxels = np.ones((1, 2, 8, 8), np.float32)
    voxels[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    Cine(voxels, np.eye(4)).save(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken_stream, "not a readable NIfTI"),
        (unknown_type, "not a readable NIfTI"),
        (cut, "not a readable NIfTI"),
        (gone, "not a readable NIfTI"),
        (not_finite, "3 voxels are not finite; repair the file"),
    ],
)
def test_a_damaged_volume_is_its_subject_s_failure_and_stops_no_shard(
    raw, tmp_path, damage, message
):
    damage(raw / "1" / "sa_ED.nii.gz")
    (tmp_path / "images").mkdir()
    rows = pd.DataFrame({"subject": ["1", "2"], "study": ["1", "2"]})
    audit, _ = import_shard(rows, raw, tmp_path / "images")
    assert audit[["subject", "problem"]].to_numpy().tolist() == [["1", "unreadable file"]]
    assert audit["detail"][0].startswith("sa_ED.nii.gz: " + message)
    assert str(tmp_path) not in audit.to_csv()
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["2"]


@pytest.mark.parametrize("damage", [broken_stream, unknown_type, cut])
def test_a_cine_that_cannot_be_read_is_named(raw, damage):
    damage(raw / "1" / "sa_ED.nii.gz")
    with pytest.raises(ValueError, match=r"1/sa_ED.nii.gz: not a readable NIfTI"):
        Cine.load(raw / "1" / "sa_ED.nii.gz")


def test_an_unforeseen_error_is_audited_and_stops_no_shard(raw, tmp_path, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError(f"surprise in {raw}/1/sa_ED.nii.gz")

    monkeypatch.setattr("cmrseg.nifti.read_frames", fail)
    rows = pd.DataFrame({"subject": ["1"], "study": ["1"]})
    audit, _ = import_shard(rows, raw, tmp_path)
    assert audit.iloc[0].tolist() == [
        "1",
        "other",
        "subject left out",
        "",
        "ZeroDivisionError: surprise in sa_ED.nii.gz",
    ]
