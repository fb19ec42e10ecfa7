import json

import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.learn.label import label_shard, load_model
from cmrseg.learn.predict import predict_cine, restore
from cmrseg.learn.prepare import as_float, prediction_canvas, prepare_cine, training_canvas
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import SETTINGS, build_network

UNET = {"preparation": "unet", "size_px": 32, "intensity": "linear"}
FCN = {"preparation": "fcn", "size_px": 16, "intensity": "linear"}


class Threshold(torch.nn.Module):
    """Class 1 where the image is brighter than a half, else 0; remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        self.seen.append(images)
        return torch.cat([0.5 - images, images - 0.5], 1)


@pytest.fixture
def cine():
    """Two frames of three slices, 20 x 28 pixels (y, x), with a bright disc each."""
    y, x = np.mgrid[:20, :28]
    voxels = np.zeros((2, 3, 20, 28), np.float32)
    for t in range(2):
        for z in range(3):
            voxels[t, z] = 200 * ((y - 9 - t) ** 2 + (x - 12 - z) ** 2 < 36) + 10
    return Cine(voxels, np.eye(4))


@pytest.mark.parametrize("size_px", [28, 32, 48, 64])
def test_labels_come_back_on_the_native_grid(cine, size_px):
    labels = predict_cine(Threshold(), cine, UNET | {"size_px": size_px})
    assert labels.dtype == np.uint8
    assert labels.shape == cine.voxels.shape
    assert ((labels == 1) != (cine.voxels > 100)).mean() < (0.02 if size_px > 28 else 1e-9)


def test_fcn_labels_are_cropped_back_exactly(cine):
    assert ((predict_cine(Threshold(), cine, FCN) == 1) == (cine.voxels > 100)).all()


def test_network_sees_prepared_images_in_batches_over_frames_and_slices(cine):
    network = Threshold()
    predict_cine(network, cine, UNET, batch=4)
    assert [len(images) for images in network.seen] == [4, 2]
    pixels, _ = prepare_cine(cine.voxels, UNET)
    seen = torch.cat(network.seen)[:, 0].numpy()
    assert (seen == as_float(pixels).reshape(6, 32, 32)).all()


def test_batch_size_has_no_influence(cine):
    results = [predict_cine(Threshold(), cine, UNET, batch=batch) for batch in (1, 5, 100)]
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


def test_cine_is_left_as_it_is(cine):
    before = cine.voxels.copy()
    predict_cine(Threshold(), cine, FCN)
    assert (cine.voxels == before).all()


def test_probabilities_are_interpolated_before_the_largest_wins():
    # One bright column of two between two grey ones, halved: the outline falls between pixels.
    canvas = prediction_canvas((4, 4), UNET | {"size_px": 2})
    logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]], [[3.0, -1.0], [3.0, -1.0]]])[None]
    shares = logits.softmax(1)[0, 1, 0]
    columns = [
        shares[0],
        0.75 * shares[0] + 0.25 * shares[1],
        0.25 * shares[0] + 0.75 * shares[1],
        shares[1],
    ]
    assert restore(logits, canvas)[0, 0].tolist() == [int(share > 0.5) for share in columns]


def test_training_canvas_that_crops_is_refused():
    with pytest.raises(
        ValueError, match=r"canvas of \(16, 16\) does not hold an image of \(20, 28\)"
    ):
        restore(torch.zeros(1, 2, 16, 16), training_canvas((20, 28), FCN))


def test_cine_that_is_not_finite_is_refused(cine):
    cine.voxels[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        predict_cine(Threshold(), cine, UNET)


# -- models in folders ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A model's folder: a small FCN of random weights with its record."""
    settings = {"network": "fcn", "encoder": "", "width": 2, "classes": 3, **FCN}
    network = build_network(
        {name: settings[name] for name in SETTINGS}, torch.Generator().manual_seed(1)
    )
    save_weights(network.state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "record.json").write_text(json.dumps({"settings": settings}))
    return tmp_path


def rewrite(folder, **changes):
    """Change settings in the record of a model; None removes one."""
    settings = json.loads((folder / "record.json").read_text())["settings"] | changes
    settings = {name: value for name, value in settings.items() if value is not None}
    (folder / "record.json").write_text(json.dumps({"settings": settings}))


def test_model_s_folder_is_all_that_labelling_needs(folder, cine):
    network, settings = load_model(folder)
    labels = predict_cine(network, cine, settings)
    assert labels.shape == cine.voxels.shape
    (folder / "images" / "a").mkdir(parents=True)
    (folder / "labels").mkdir()
    cine.save(folder / "images/a/sa.nii.gz")
    label_shard(
        settings, folder / "weights.safetensors", folder / "images", folder / "labels", "cpu"
    )
    assert (Cine.load(folder / "labels/a/sa.nii.gz").voxels == labels).all()


@pytest.mark.parametrize("name", ["record.json", "weights.safetensors"])
def test_folder_without_one_of_its_files_is_refused_by_name(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"no {name}; a model's folder has weights.safet"):
        load_model(folder)


@pytest.mark.parametrize("text", ["not json", "[1]", '{"scores": {}}', '{"settings": 3}'])
def test_record_that_is_no_model_s_is_refused_by_name(folder, text):
    (folder / "record.json").write_text(text)
    with pytest.raises(ValueError, match=r"record\.json: not the record of a model"):
        load_model(folder)


def test_record_without_a_setting_is_refused_by_its_name(folder):
    rewrite(folder, size_px=None, width=None)
    with pytest.raises(ValueError, match=r"record\.json: its settings lack width, size_px"):
        load_model(folder)


def test_network_that_is_not_here_is_refused_by_name(folder):
    rewrite(folder, network="unet_lstm")
    with pytest.raises(ValueError, match="network unet_lstm cannot be used here; there are fcn, u"):
        load_model(folder)


def test_weights_of_another_network_are_refused_by_name(folder):
    rewrite(folder, classes=4)
    with pytest.raises(
        ValueError,
        match=r"weights\.safetensors: its weights are not of a network with classes 4, enc",
    ):
        load_model(folder)
