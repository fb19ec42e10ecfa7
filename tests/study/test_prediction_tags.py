"""One input and a network that places points in tagged cines: the study that two words make."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import tagging_builder as built
from cmrseg.apply import read_images
from networks import network_of
from small_study import given_model, small_study
from study.load import load_study
from study.panels import panel_measures
from study.prediction import prediction_study
from study.tables import StudyError
from tagged_dicom import write_cine, write_tagged

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)


def recorded(folder: str, network: str, preparation: str, **more: str) -> str:
    """The folder of a network of tagged cines without its weights' content."""
    settings = network_of(network, 2, "lv,my")
    settings |= {"preparation": preparation, "intensity": "linear", "size_px": 128, **more}
    Path(folder).mkdir(parents=True)
    Path(folder, "weights.safetensors").touch()
    Path(folder, "record.json").write_text(json.dumps({"settings": settings}))
    return folder


@pytest.fixture
def ring(given):
    """A landmark network, and the localisation network beside it."""
    recorded("here/box", "tag_box", "tag_frame")
    return recorded("here/ring", "tag_ring", "tag_window", coarse="box")


@pytest.fixture
def inputs(given):
    built.write(Path("trial.h5"), rows=3)
    built.write(Path("one.hdf5"))
    write_tagged(Path("scan"))
    write_cine(Path("scan"))
    for name in ("case/tag.nii.gz", "whole/p_sa.nii.gz", "whole/p_tag.nii.gz", "lone/a.nii"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()


@pytest.mark.parametrize(
    ("words", "layout", "study"),
    [
        ({"input": "one.hdf5"}, "tagging", "one"),
        ({"input": "trial.h5", "series": "0,1,2"}, "tagging", "trial"),
        ({"input": "scan"}, "folder", "scan"),
        ({"input": "case"}, "nifti", "case"),
        ({"input": "case/tag.nii.gz"}, "nifti", "tag"),
        ({"input": "whole"}, "nifti", "whole"),
        ({"input": "lone"}, "nifti", "a"),
    ],
)
def test_images_of_a_ring_network_are_tagged_cines(ring, inputs, words, layout, study):
    made = prediction_study({"model": ring, **words})
    cohort = made["cohorts"]["input"]
    assert (cohort["layout"], cohort["sequences"]) == (layout, ["tag"])
    assert cohort["subjects"][0]["study"] == study
    assert cohort["subjects"][0].get("series", "") == words.get("series", "")
    found = load_study(made)
    # The network that finds the heart comes first; of points there are no volumes.
    assert found.predicted() == [("input", "box"), ("input", "ring")]
    assert found.measured() == []
    # Strain is, in the levels that the order of slices tells.
    assert panel_measures(found, "ring") == ["tagging"]
    kinds = {name: entry["figure"] for name, entry in made["figures"].items()}
    assert kinds == {"strain": "strain_curves", "film": "tagging_movie"}


def test_a_network_of_boxes_alone_gives_no_strain(ring, inputs):
    made = prediction_study({"model": "here/box", "input": "one.hdf5"})
    assert load_study(made).predicted() == [("input", "box")]
    assert not {"panels", "figures"} & set(made)


def test_the_grid_of_hdf5_files_may_be_given(ring, inputs):
    words = {"input": "one.hdf5", "model": ring, "slice_distance_mm": 12, "frame_interval_ms": 30}
    (row,) = load_study(prediction_study(words)).import_rows("input")
    assert (row["slice_distance_mm"], row["frame_interval_ms"]) == (12, 30)
    with pytest.raises(StudyError, match="frame_interval_ms: is for HDF5 files; case has its own"):
        prediction_study({"input": "case", "model": ring, "frame_interval_ms": 30})
    with pytest.raises(StudyError, match="series: case is one cine"):
        prediction_study({"input": "case", "model": ring, "series": "#1"})


def test_rows_that_are_none_are_refused(ring, inputs):
    made = prediction_study({"input": "trial.h5", "model": ring, "series": "#1"})
    with pytest.raises(StudyError, match="subject trial has series '#1', expected rows"):
        load_study(made)


def test_one_examination_is_read_without_a_study(inputs):
    cine = read_images("one.hdf5", sequence="tag").cine
    assert cine.voxels.shape == (4, 1, 64, 64)
    assert cine.spacing_mm == pytest.approx((20, 1.4, 1.4))
    cine = read_images("trial.h5", sequence="tag", series="2,1", spacing_mm=(9.0, 1.4, 1.4)).cine
    assert cine.spacing_mm == pytest.approx((9, 1.4, 1.4))
    with h5py.File("trial.h5") as file:
        assert (cine.voxels == file["image_seqs"][[1, 2]][::-1].swapaxes(0, 1)).all()
    found = read_images("scan", sequence="tag")
    assert found.cine.voxels.shape == (5, 3, 64, 64)
    assert np.count_nonzero(found.series["chosen"]) == 3
    assert read_images("scan").cine.voxels.shape[1] == 4
