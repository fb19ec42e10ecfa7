"""Files of digital patients: what the layouts ukbb and nifti read, and the truth beside them."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.nifti import read_pair, read_whole
from cmrseg.layouts.ready_made import import_studies
from cmrseg.phantom import patient_files
from cmrseg.phantom.patients import truth, with_build
from cmrseg.phantom.population import draw_subjects

SEQUENCES = ["sa", "la_2ch", "la_4ch", "ao"]
SMALL = {"rows": 60, "columns": 64, "spacing_mm": 4.5}
SCAN = {
    "scanner": "1.5T", "rows": 48, "columns": 44, "spacing_mm": 4.5, "slice_distance_mm": 20.0,
    "thickness_mm": 8.0, "breath_hold_shift_mm": 1.0, "sequences": SEQUENCES,
    "views": dict.fromkeys(SEQUENCES[1:], SMALL),
}  # fmt: skip
FRAMES = 10
SHOWN = {"sa": {1, 2, 3}, "la_2ch": {1, 2, 4}, "la_4ch": {1, 2, 3, 4, 5}, "ao": {6, 7}}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    table = draw_subjects(1, 8, ["7"], diseases=["healthy"])
    return with_build(table).assign(annotation=table["study"])


@pytest.fixture(scope="module")
def cines(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cines")
    patient_files.write_shard(rows, {**SCAN, "frames": FRAMES, "labelled": "two"}, folder)
    return folder


@pytest.fixture(scope="module")
def pairs(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    patient_files.write_shard(rows, SCAN, folder)
    return folder


def carried(rows, layout, read, raw, folder, labels_in, tmp_path):
    """Images and labels (t, z, y, x) of each sequence behind the import."""
    images = tmp_path / "images"
    images.mkdir()
    audit, _ = import_studies(rows, raw, images, read, SEQUENCES)
    assert not audit["problem"].str.contains("missing|excluded").any()
    found = {}
    for sequence in SEQUENCES:
        labels = tmp_path / sequence
        labels.mkdir()
        about = {"form": "nifti", "layout": layout, "folder": labels_in, "sequence": sequence}
        carry_shard(rows, "truth", about, folder, images, labels)
        found[sequence] = (
            Cine.load(images / "7" / f"{sequence}.nii.gz"),
            Cine.load(labels / "7" / f"{sequence}.nii.gz").voxels,
        )
    return found


def test_pairs_are_imported_with_labels_of_all_tissues_that_a_sequence_shows(rows, pairs, tmp_path):
    found = carried(rows, "ukbb", read_pair, pairs, pairs, "", tmp_path)
    for sequence, (image, labels) in found.items():
        assert image.voxels.shape == labels.shape
        assert len(labels) == 2
        assert set(np.unique(labels)) - {0} == SHOWN[sequence]
    la = found["la_4ch"][1] == Tissue.LA
    assert la[1].sum() > 1.5 * la[0].sum()
    assert found["la_4ch"][0].voxels.shape == (2, 1, 60, 64)


def test_cines_are_imported_with_two_labelled_frames(rows, cines, tmp_path):
    found = carried(rows, "nifti", read_whole, cines, cines, "annotations/truth", tmp_path)
    beat_s = 60 / rows["heart_rate_bpm"].iloc[0]
    for sequence, (image, labels) in found.items():
        assert len(image.voxels) == FRAMES
        assert image.frame_interval_s == pytest.approx(beat_s / FRAMES)
        drawn = [t for t, frame in enumerate(labels) if (frame != UNLABELLED).any()]
        assert len(drawn) == 2
        assert set(np.unique(labels[drawn])) - {0, UNLABELLED} == SHOWN[sequence]


def test_the_truth_lies_beside_the_files(rows, cines, pairs):
    for folder, frames in ((cines, FRAMES), (pairs, None)):
        table = pd.read_csv(folder / "truth.tsv", sep="\t", dtype={"subject": str})
        expected = truth(rows.to_dict("records")[0], frames)
        assert table.iloc[0].to_dict() == pytest.approx(expected)
    curves = pd.read_csv(cines / "truth_curves.tsv", sep="\t")
    true = truth(rows.to_dict("records")[0], FRAMES)
    assert len(curves) == FRAMES
    assert curves["la_ml"].max() == pytest.approx(true["lav_max_ml"])
    assert curves["la_ml"].min() == pytest.approx(true["lav_min_ml"])
    assert curves["aao_mm2"].max() == pytest.approx(true["aao_max_mm2"])
    assert curves["dao_mm2"].min() == pytest.approx(true["dao_min_mm2"])
    assert not (pairs / "truth_curves.tsv").exists()


def test_a_sequence_does_not_depend_on_what_else_is_acquired(rows, pairs, tmp_path):
    patient_files.write_shard(rows, {**SCAN, "sequences": ["la_4ch"]}, tmp_path)
    for name in ("la_4ch_ED.nii.gz", "label_la_4ch_ES.nii.gz"):
        assert (tmp_path / "7" / name).read_bytes() == (pairs / "7" / name).read_bytes()
    assert not (tmp_path / "7" / "sa_ED.nii.gz").exists()


def test_settings_of_an_unknown_view_are_refused(rows, tmp_path):
    with pytest.raises(ValueError, match="views has sax, expected some of la_2ch, la_3ch, la_4ch"):
        patient_files.write_shard(rows, {**SCAN, "views": {"sax": SMALL}}, tmp_path)
