"""Several images of a subject: their import, their labels, and what a subject may lack."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.annotations.cohort import collect_audit
from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit, SubjectError, check_losses
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.nifti import read_pair, read_whole
from cmrseg.layouts.ready_made import import_studies
from cmrseg.shards import folders_with
from study.raw_state import image_state, label_state

ROWS = pd.DataFrame(
    [{"subject": s, "study": s, "set": "train", "annotation": s} for s in ("1", "2", "3")]
)
# The plane of a 4-chamber view, which is no short axis and has rows wider than high.
VIEW = np.array([[-1.4, 0.3, 0, 40], [0.2, 0.9, 0, -30], [0.1, 1.1, 8, 20], [0, 0, 0, 1.0]])
VIEW[:3, 2] = (
    8 * np.cross(VIEW[:3, 0], VIEW[:3, 1]) / np.linalg.norm(np.cross(VIEW[:3, 0], VIEW[:3, 1]))
)
VIEW[:3, 1] = np.cross(VIEW[:3, 2], VIEW[:3, 0]) / 8


def save(path, shape, affine=None, seed=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.random.default_rng(seed).random(shape, np.float32)
    Cine(voxels, np.diag([2.0, 2, 8, 1]) if affine is None else affine, 0.25).save(path)
    return voxels


@pytest.fixture
def raw(tmp_path):
    """Subject 1 has both sequences, 2 lacks one, 3 has none."""
    folder = tmp_path / "raw"
    for subject in ("1", "2"):
        save(folder / subject / "sa.nii.gz", (2, 3, 12, 10))
    save(folder / "1/la_4ch.nii.gz", (4, 1, 12, 20), VIEW, 2)
    (tmp_path / "images").mkdir()
    return folder


def imported(raw, sequences, read=read_whole):
    return import_studies(ROWS, raw, raw.parent / "images", read, sequences)[0]


def test_each_image_has_its_file_and_the_audit_says_what_is_missing(raw):
    audit = imported(raw, ["sa", "la_4ch"])
    images = raw.parent / "images"
    names = {p.name for p in (images / "1").iterdir()}
    assert names == {"sa.nii.gz", "sources.tsv", "la_4ch.nii.gz", "la_4ch.sources.tsv"}
    assert {p.name for p in (images / "2").iterdir()} == {"sa.nii.gz", "sources.tsv"}
    assert not (images / "3").exists()
    missing = audit[audit["subject"] == "2"]
    assert missing["problem"].tolist() == ["sequence missing or unreadable"]
    assert missing["image"].tolist() == ["la_4ch"]
    assert "no file 2/la_4ch.nii.gz" in missing["detail"].item()
    # A subject without any is lost once, however many it should have.
    assert "1 of 3 subjects" in check_losses(audit, ["1", "2", "3"], 0.5, "cohort", "lost")
    assert list(folders_with([images], "sa")) == ["1", "2"]
    assert list(folders_with([images], "sa", "la_4ch")) == ["1"]


def test_a_long_axis_view_stays_as_it_is_stored(raw):
    audit = imported(raw, ["la_4ch"])
    cine = Cine.load(raw.parent / "images/1/la_4ch.nii.gz")
    stored = Cine.load(raw / "1/la_4ch.nii.gz")
    np.testing.assert_array_equal(cine.voxels, stored.voxels)
    np.testing.assert_allclose(cine.affine, stored.affine)
    # It is neither an unusual short axis nor a wide picture.
    assert audit[audit["subject"] == "1"].empty


def test_the_first_axis_of_a_view_may_be_that_of_its_slice(raw):
    turned = np.eye(4)
    turned[:3, :3] = VIEW[:3, [2, 0, 1]]
    path = raw / "2/la_4ch.nii.gz"
    voxels = save(path, (4, 20, 12, 1), turned)
    audit = imported(raw, ["la_4ch"])
    cine = Cine.load(raw.parent / "images/2/la_4ch.nii.gz")
    assert cine.voxels.shape == (4, 1, 20, 12)
    np.testing.assert_array_equal(cine.voxels[:, 0], voxels[..., 0])
    assert audit[audit["subject"] == "2"]["problem"].tolist() == ["axes in another order"]


def test_a_still_image_has_one_frame(raw):
    save(raw / "1/de.nii.gz", (2, 3, 12, 10))
    audit = imported(raw, ["sa", "de"])
    row = audit[(audit["subject"] == "1") & (audit["image"] == "de")]
    assert "de has 2 frames, expected a still image" in row["detail"].item()


def test_files_named_by_case_and_sequence_are_found_and_an_edit_of_one_is_seen(raw):
    for name in ("x_C0.nii.gz", "x_LGE.nii.gz", "x_LGE_gd.nii.gz"):
        save(raw / f"3/{name}", (1, 3, 12, 10))
    cine, sources = read_whole(raw, "3", "de", Audit("3"))
    assert cine.voxels.shape[:2] == (1, 3)
    assert set(sources["file"]) == {"x_LGE.nii.gz"}
    row, stills = {"study": "3", "set": "", "annotation": "3"}, ["c0", "de"]
    before = image_state("nifti", str(raw), row, stills)
    save(raw / "3/x_LGE.nii.gz", (1, 4, 12, 10))
    assert image_state("nifti", str(raw), row, stills) != before
    # the name of the sequence alone goes before, and two of another name are a choice
    save(raw / "3/y_DE.nii.gz", (1, 3, 12, 10))
    with pytest.raises(SubjectError, match=r"x_LGE.nii.gz and 3/y_DE.nii.gz are both there"):
        read_whole(raw, "3", "de", Audit("3"))
    save(raw / "3/de.nii.gz", (1, 2, 12, 10))
    assert read_whole(raw, "3", "de", Audit("3"))[0].voxels.shape[1] == 2


def test_the_only_sequence_of_a_cohort_may_be_a_file_of_its_own(raw):
    save(raw / "4.nii.gz", (4, 1, 12, 20), VIEW)
    alone = [image_state("nifti", str(raw), {"study": "4"}, names) for names in (["ao"], [])]
    assert alone[0] != alone[1] == ""
    assert read_whole(raw, "4", "ao", Audit("4"), lone=True)[0].voxels.shape == (4, 1, 12, 20)
    with pytest.raises(SubjectError, match=r"no file 4/ao.nii.gz; check the subject table"):
        read_whole(raw, "4", "ao", Audit("4"))


def test_a_damaged_image_costs_the_others_nothing(raw):
    (raw / "1/la_4ch.nii.gz").write_bytes(b"damaged")
    audit = imported(raw, ["sa", "la_4ch"])
    assert (raw.parent / "images/1/sa.nii.gz").exists()
    assert audit[audit["subject"] == "1"]["resolution"].tolist() == ["sequence excluded"]


def test_pairs_are_named_by_their_sequence(tmp_path):
    raw = tmp_path / "raw"
    (tmp_path / "images").mkdir()
    for frame in ("ED", "ES"):
        save(raw / f"1/la_2ch_{frame}.nii.gz", (1, 1, 12, 10))
        path = raw / f"1/label_la_2ch_{frame}.nii.gz"
        Cine(np.full((1, 1, 12, 10), Tissue.LA, np.uint8), np.diag([2.0, 2, 8, 1])).save(path)
    imported(raw, ["la_2ch"], read_pair)
    settings = {"form": "nifti", "folder": ".", "layout": "ukbb", "sequence": "la_2ch"}
    (tmp_path / "labels").mkdir()
    carry_shard(ROWS, "truth", settings, raw, tmp_path / "images", tmp_path / "labels")
    labels = Cine.load(tmp_path / "labels/1/la_2ch.nii.gz").voxels
    assert labels.shape == (2, 1, 12, 10)
    assert (labels == Tissue.LA).all()


# -- labels -----------------------------------------------------------------------------------


@pytest.fixture
def labelled(raw):
    imported(raw, ["sa", "la_4ch"])
    (raw.parent / "labels").mkdir()

    def run(sequence, **files):
        """files: name below the annotator's folder, with / for __, to a tissue."""
        image = Cine.load(raw.parent / f"images/1/{sequence}.nii.gz")
        for name, tissue in files.items():
            single = "_frame" in name
            path = raw / "annotations/expert" / f"{name.replace('__', '/').lstrip('s')}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            voxels = np.full(image.voxels.shape, int(tissue), np.uint8)
            image.like(voxels[:1] if single else voxels).save(path)
        settings = {"form": "nifti", "folder": "annotations/expert", "layout": "nifti"}
        settings["sequence"] = sequence
        shard = raw.parent / "images"
        audit = carry_shard(ROWS, "expert", settings, raw, shard, raw.parent / "labels")
        path = raw.parent / f"labels/1/{sequence}.nii.gz"
        return Cine.load(path).voxels, audit, settings

    return run


def test_labels_of_a_view_lie_in_the_folder_of_the_subject(labelled, raw):
    voxels, audit, settings = labelled("la_4ch", s1__la_4ch=Tissue.LA)
    assert (voxels == Tissue.LA).all()
    # No muscle has to be in it.
    assert audit.empty
    whole = collect_audit(
        ROWS, "expert", settings, [raw], [], [raw.parent / "images"], [raw.parent / "labels"]
    )
    # Subject 2 has no such image, so that nobody misses its labels.
    assert whole.empty
    (raw / "annotations/expert/9").mkdir()
    whole = collect_audit(
        ROWS, "expert", settings, [raw], [], [raw.parent / "images"], [raw.parent / "labels"]
    )
    assert whole["image"].tolist() == ["9"]


def test_a_single_frame_of_a_view_may_be_labelled(labelled):
    voxels, *_ = labelled("la_4ch", s1__la_4ch_frame002=Tissue.RA)
    assert (voxels[2] == Tissue.RA).all()
    assert (voxels[[0, 1, 3]] == UNLABELLED).all()


def test_a_tissue_that_a_view_does_not_show_is_refused(labelled):
    with pytest.raises(ValueError, match=r"subject 1: labels of expert: .*values \[6\], expected"):
        labelled("la_4ch", s1__la_4ch=Tissue.AAO)


def test_labels_of_the_short_axis_may_have_either_name_and_not_both(labelled):
    voxels, *_ = labelled("sa", s1__sa=Tissue.MYO)
    assert (voxels == Tissue.MYO).all()
    with pytest.raises(ValueError, match="labels of 1 and 1/sa both exist; keep one of them"):
        labelled("sa", s1=Tissue.MYO)


# -- what a plan sees of raw files ---------------------------------------------------------------


def test_an_edit_of_one_sequence_is_seen(raw):
    row = {"study": "1", "set": "", "annotation": "1"}
    both = ["sa", "la_4ch"]
    before = [image_state("nifti", str(raw), row, names) for names in (both, ["sa"])]
    save(raw / "1/la_4ch.nii.gz", (4, 1, 12, 21), VIEW)
    after = [image_state("nifti", str(raw), row, names) for names in (both, ["sa"])]
    assert before[0] != after[0]
    assert before[1] == after[1]
    folder = str(raw / "annotations/expert")
    save(raw / "annotations/expert/1/la_4ch_frame001.nii.gz", (1, 1, 12, 20), VIEW)
    assert label_state("nifti", "nifti", folder, row, "la_4ch") != ""
    assert label_state("nifti", "nifti", folder, row, "sa") == ""
    pair = image_state("ukbb", str(raw), row, ["la_2ch"])
    save(raw / "1/la_2ch_ES.nii.gz", (1, 1, 12, 10))
    assert image_state("ukbb", str(raw), row, ["la_2ch"]) != pair
