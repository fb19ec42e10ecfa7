"""A model of other images than the short axis, on a folder or a file without a study."""

import json

import numpy as np
import pytest
import torch

from cmrseg.apply import apply_model
from cmrseg.cine import Cine
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network
from networks import network_of

GRID = np.diag([0.76, 0.76, 14.0, 1])


@pytest.fixture
def model(tmp_path):
    """The folder of a network of random weights."""

    def make(sequence, tissues):
        settings = network_of("fcn", 2, tissues, sequence=sequence)
        network = build_network(dict(settings), torch.Generator().manual_seed(0))
        save_weights(network.state_dict(), tmp_path / "model/weights.safetensors")
        settings |= {"preparation": "fcn", "intensity": "linear", "size_px": 32}
        (tmp_path / "model/record.json").write_text(json.dumps({"settings": settings}))
        return tmp_path / "model"

    return make


def images(folder, *names, shape=(1, 3, 24, 20), affine=GRID):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        voxels = np.random.default_rng(number).random(shape, np.float32)
        Cine(voxels, affine, 0.1).save(folder / f"{name}.nii.gz")
    return folder


def test_three_sequences_have_volumes_of_their_tissues(tmp_path, model):
    folder = images(tmp_path / "119", "119_C0", "119_DE", "119_T2")
    network = model("c0,de,t2", "lv,my,rv,edema,scar")
    found = apply_model(folder, network, "119")
    assert found.labels.voxels.shape == (1, 3, 24, 20)
    counted = {t: (found.labels.voxels == t).sum() * 0.76 * 0.76 * 14 / 1000 for t in (1, 8, 9)}
    row = found.volumes.iloc[0]
    assert [row["lv_ml"], row["edema_ml"], row["scar_ml"]] == pytest.approx(
        list(counted.values()), rel=1e-5
    )
    # a sequence is a channel, in the order of the model
    moved = images(tmp_path / "120", "120_T2", "120_C0", "120_DE")
    assert (apply_model(moved, network).labels.voxels != found.labels.voxels).any()


def test_a_view_has_areas(tmp_path, model):
    images(tmp_path / "case", "cine", shape=(6, 1, 24, 20))
    found = apply_model(tmp_path / "case/cine.nii.gz", model("la_4ch", "la,ra"))
    assert found.volumes.columns[0] == "subject"
    most = (found.labels.voxels == 4).sum(axis=(1, 2, 3)).max() * 0.76 * 0.76 / 100
    assert found.volumes["la_max_cm2"].item() == pytest.approx(most, rel=1e-5)
    assert found.curves["la_cm2"].notna().all()


def test_images_of_another_kind_are_refused_by_name(tmp_path, model):
    images(tmp_path / "case", "stack", shape=(6, 4, 24, 20))
    images(tmp_path / "other", "still", shape=(1, 1, 24, 20))
    network = model("la_4ch", "la,ra")
    with pytest.raises(ValueError, match="has 4 slices, expected the one plane of 4-chamber cines"):
        apply_model(tmp_path / "case", network)
    with pytest.raises(ValueError, match="is a still image, expected all frames of 4-chamber"):
        apply_model(tmp_path / "other", network)
    with pytest.raises(ValueError, match="has 6 frames, expected still images: T2-weighted"):
        apply_model(tmp_path / "case", model("t2", "lv,my,scar"))


def test_sequences_on_another_grid_or_over_time_are_refused_by_name(tmp_path, model):
    network = model("c0,de", "lv,my,scar")
    folder = images(tmp_path / "119", "119_C0")
    images(folder, "119_DE", affine=np.diag([0.8, 0.8, 14.0, 1]))
    with pytest.raises(ValueError, match=r"119: channel 2 .* lies on another grid than the first"):
        apply_model(folder, network)
    images(folder, "119_DE", shape=(2, 3, 24, 20))
    with pytest.raises(ValueError, match="119: de has 2 frames, expected still images"):
        apply_model(folder, network)


def test_points_and_tagged_cines_are_not_measured(tmp_path, model):
    images(tmp_path / "case", "cine", shape=(6, 3, 24, 20))
    with pytest.raises(ValueError, match=r"tagged short-axis cines .tag., of which nothing is"):
        apply_model(tmp_path / "case", model("tag", "lv,my"))
