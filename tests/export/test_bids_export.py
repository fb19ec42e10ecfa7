"""Label maps and measures as a BIDS derivative dataset."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.export.bids import export_bids
from cmrseg.measure.labellers import LabelMaps
from cmrseg.sequences import image_path

VOLUMES = pd.DataFrame(
    {
        "subject": ["721_a", "8", "9"],
        "split": ["train", "test", "test"],
        "edv_ml": [150.5, np.nan, 99.0],
        "ef": [0.6, np.nan, 0.5],
        "ed_frame": [0, np.nan, 1],
    }
)


def dataset(folder, *subjects, tissues="lv,my,rv"):
    """A dataset of any label maps of some subjects."""
    rng = np.random.default_rng(1)
    for subject in subjects:
        labels = rng.integers(0, 4, (2, 3, 8, 6)).astype(np.uint8)
        affine = np.diag([1.5, 1.5, 8.0, 1.0])
        Cine(labels, affine, 0.04).save(image_path(folder / "labels" / subject, "sa"))
    (folder / "bids").mkdir()
    labeller = LabelMaps("plain_v1", "people", [folder / "labels"], tissues)
    export_bids(labeller, False, VOLUMES, "1.2.3", folder / "bids")
    return folder / "bids"


def test_label_maps_are_copied_as_they_are_under_names_of_bids(tmp_path):
    made = dataset(tmp_path, "721_a", "8")
    files = sorted(p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file())
    assert files == [
        "README",
        "dataset_description.json",
        "desc-plainv1_dseg.tsv",
        "participants.json",
        "participants.tsv",
        "phenotype/sameasures.json",
        "phenotype/sameasures.tsv",
        "sub-721a/anat/sub-721a_acq-sa_desc-plainv1_dseg.json",
        "sub-721a/anat/sub-721a_acq-sa_desc-plainv1_dseg.nii.gz",
        "sub-8/anat/sub-8_acq-sa_desc-plainv1_dseg.json",
        "sub-8/anat/sub-8_acq-sa_desc-plainv1_dseg.nii.gz",
    ]
    copied = made / "sub-8/anat/sub-8_acq-sa_desc-plainv1_dseg.nii.gz"
    assert copied.read_bytes() == image_path(tmp_path / "labels/8", "sa").read_bytes()
    about = json.loads((made / "dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative"
    assert about["GeneratedBy"] == [{"Name": "cmrseg", "Version": "1.2.3"}]


def test_tables_name_tissues_people_and_measures(tmp_path):
    made = dataset(tmp_path, "721_a", "8", tissues="lv,my")
    assert (made / "desc-plainv1_dseg.tsv").read_text().splitlines() == [
        "index\tname\tabbreviation\tcolor",
        "0\tbackground\tbg\t#000000",
        "1\tLV cavity\tlv\t#D55E00",
        "2\tLV myocardium\tmy\t#009E73",
        "255\tnot labelled\tna\t#808080",
    ]
    assert (made / "participants.tsv").read_text().splitlines() == [
        "participant_id\tsubject",
        "sub-721a\t721_a",
        "sub-8\t8",
    ]
    # Subject 9 is not labelled; what is unknown is n/a.
    assert (made / "phenotype/sameasures.tsv").read_text().splitlines() == [
        "participant_id\tedv_ml\tef\ted_frame",
        "sub-721a\t150.5\t0.6\t0.0",
        "sub-8\tn/a\tn/a\tn/a",
    ]
    columns = json.loads((made / "phenotype/sameasures.json").read_text())
    assert columns["edv_ml"] == {"Description": "edv_ml", "Units": "ml"}


def test_subjects_that_bids_cannot_tell_apart_are_named(tmp_path):
    with pytest.raises(ValueError, match="subject 72_1: BIDS calls it sub-721, as 721; give"):
        dataset(tmp_path, "721", "72_1")


@pytest.mark.skipif(
    shutil.which("bids-validator-deno") is None, reason="bids-validator-deno is not installed"
)
def test_the_validator_of_bids_finds_no_error(tmp_path):
    command = ["bids-validator-deno", dataset(tmp_path, "721_a", "8"), "--format", "json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    issues = told["issues"]["issues"]
    assert [issue["code"] for issue in issues if issue["severity"] == "error"] == []
