"""Several images of a subject as channels of one: slices, augmentation, networks, labels."""

import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.learn.augment import PRESETS, apply_transforms, draw_transforms
from cmrseg.learn.batches import training_rows
from cmrseg.learn.cuda_images import CardImages, planes_for_card
from cmrseg.learn.label import label_shard
from cmrseg.learn.predict import Predictor, predict_cine
from cmrseg.learn.prepare import as_float, prepare_cine, prepare_volume
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.source import Source
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network, network_settings

SETTINGS = {
    **{"network": "fcn", "encoder": "", "width": 2, "task": "segment"},
    **{"sequence": "c0,de", "tissues": "lv,my,scar", "subset": "all", "splits": "train"},
    **{"preparation": "fcn", "size_px": 32, "intensity": "linear"},
}
SHAPE = (1, 3, 24, 28)


def images(seed, count=2):
    rng = np.random.default_rng(seed)
    return [rng.gamma(2 + i, size=SHAPE).astype(np.float32) for i in range(count)]


def labels():
    found = np.zeros(SHAPE, np.uint8)
    found[..., 8:14, 8:14], found[..., 14:16, 8:14] = Tissue.LV, Tissue.MYO
    found[..., 16:18, 8:14] = Tissue.SCAR
    return found


@pytest.fixture
def files(tmp_path):
    """Writes the channels and labels of a subject; the row of make_slices about it."""

    def write(subject, split="train", shift_mm=0.0, others=None):
        paths = []
        for i, voxels in enumerate(others or images(int(subject))):
            affine = np.eye(4)
            affine[0, 3] = i * shift_mm
            path = tmp_path / f"images/{subject}" / f"{('c0', 'de')[i]}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            Cine(voxels, affine).save(path)
            paths.append(path)
        target = tmp_path / f"{subject}_labels.nii.gz"
        Cine(labels(), np.eye(4)).save(target)
        return subject, split, paths, target

    return write


@pytest.mark.parametrize("preparation", ["fcn", "minmax", "unet"])
def test_each_channel_is_prepared_by_itself(preparation, files, tmp_path):
    settings = SETTINGS | {"preparation": preparation}
    make_slices([files("1"), files("2", "validate")], settings, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    assert slices.images.shape == (6, 2, 32, 32)
    for channel, voxels in enumerate(images(2)):
        expected, _ = prepare_volume(voxels[0], settings)
        assert (slices.images[3:, channel] == expected).all()
    assert {"scar_pixels", "my_pixels"} <= set(slices.index)
    read, _ = Source(slices, "cpu").read(np.array([4, 0]))
    assert read.shape == (2, 2, 32, 32)
    rows, valid = training_rows(slices, settings)
    assert (len(rows), len(valid)) == (3, 3)
    with pytest.raises(ValueError, match=r"of c0 with size_px 32 needs \w+ \(32, 32\)"):
        training_rows(slices, settings | {"sequence": "c0"})


def test_a_card_keeps_16_bits_of_each_channel(files, tmp_path):
    make_slices([files("1"), files("2", "validate")], SETTINGS, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    source = Source(slices, "cpu")
    source.keep()
    rows = np.array([5, 2])
    for ours, theirs in zip(source.read(rows), slices.batch(rows), strict=True):
        assert torch.equal(ours, torch.from_numpy(np.array(theirs)))


def test_channels_at_different_places_are_refused_by_subject(files, tmp_path):
    with pytest.raises(ValueError, match=r"subject 1: .*channel 2 .* lies on another grid than"):
        make_slices([files("1", shift_mm=0.5)], SETTINGS, tmp_path / "slices")
    other = [images(1)[0], images(1)[1][:, :2]]
    with pytest.raises(ValueError, match=r"subject 1: image .*de.nii.gz has shape \(1, 2, 24, 28"):
        make_slices([files("1", others=other)], SETTINGS, tmp_path / "slices")


@pytest.mark.parametrize("preset", PRESETS)
def test_channels_of_an_image_change_alike(preset):
    rng = np.random.default_rng(3)
    one = torch.from_numpy(rng.random((4, 32, 32), np.float32))
    target = torch.from_numpy(rng.integers(0, 4, (4, 32, 32), np.uint8))
    transforms = draw_transforms(np.random.default_rng(1), 4, preset, 32)
    alone, moved = apply_transforms(one, target, transforms)
    both, again = apply_transforms(torch.stack([one, one], 1), target, transforms)
    assert torch.equal(moved, again)
    for channel in both.unbind(1):
        torch.testing.assert_close(channel, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("preparation", ["fcn", "minmax", "unet"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_images_of_a_card_are_the_prepared_ones(preparation, dtype):
    settings = SETTINGS | {"preparation": preparation}
    channels = [(100 * voxels).astype(dtype) for voxels in images(4)]
    card = CardImages(*planes_for_card(channels, settings), settings, "cpu")
    expected = np.stack([as_float(prepare_cine(v, settings)[0])[0] for v in channels], axis=1)
    assert (card[:2].numpy() == expected[:2]).all()
    assert (card.chosen(np.array([2]))[:].numpy() == expected[2:]).all()


@pytest.fixture
def network():
    return build_network(network_settings(SETTINGS), torch.Generator().manual_seed(1)).eval()


def test_labels_depend_on_every_channel_and_on_no_batch(network):
    cines = [Cine(voxels, np.eye(4)) for voxels in images(5)]
    found = predict_cine(network, cines, SETTINGS)
    assert found.shape == SHAPE
    assert (predict_cine(network, cines, SETTINGS, batch=1) == found).all()
    swapped = predict_cine(network, cines[::-1], SETTINGS)
    assert (swapped != found).any()
    logits = network(torch.from_numpy(_prepared(cines)))
    expected = logits.argmax(1)[:, 4:28, 2:30].numpy()
    tissues = np.array([0, Tissue.LV, Tissue.MYO, Tissue.SCAR])
    assert (found[0] == tissues[expected]).mean() > 0.999


def _prepared(cines):
    return np.stack([as_float(prepare_cine(c.voxels, SETTINGS)[0])[0] for c in cines], 1)


def test_a_labeller_wants_as_many_images_as_its_network_sees(network):
    labeller = Predictor(network, SETTINGS)
    one, other = (Cine(voxels, np.eye(4)) for voxels in images(5))
    with pytest.raises(ValueError, match="1 images for a network of c0,de; give one for each of"):
        labeller.prepare(one)
    moved = np.eye(4)
    moved[2, 3] = 5
    with pytest.raises(ValueError, match=r"channel 2 .* lies on another grid than the first"):
        labeller.prepare(one, Cine(other.voxels, moved))


def test_subjects_without_a_channel_are_not_labelled_and_named(network, files, tmp_path, caplog):
    for subject in ("1", "2"):
        files(subject)
    (tmp_path / "images/2/de.nii.gz").unlink()
    save_weights(network.state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "labels").mkdir()
    label_shard(
        SETTINGS, tmp_path / "weights.safetensors", tmp_path / "images", tmp_path / "labels", "cpu"
    )
    assert [path.name for path in (tmp_path / "labels").iterdir()] == ["1"]
    assert (tmp_path / "labels/1/c0.nii.gz").is_file()
    assert "without c0 and de: 2; not labelled" in caplog.text


@pytest.mark.parametrize(
    ("network", "encoder", "preparation"),
    [("unet", "resnet34", "unet"), ("unet_compat", "resnet34", "unet")],
)
def test_an_encoder_takes_three_images_as_colours_and_not_two(network, encoder, preparation):
    width = 64 if network == "unet_compat" else 4
    settings = SETTINGS | {"network": network, "encoder": encoder, "width": width}
    three = network_settings(settings | {"sequence": "c0,de,t2", "tissues": "lv,my"})
    found = build_network(three, torch.Generator().manual_seed(1)).eval()
    with torch.inference_mode():
        assert found(torch.ones(2, 3, 32, 32)).shape == (2, 3, 32, 32)
    with pytest.raises(ValueError, match=r"images must be \(n, 3, y, x\), got shape \(2, 1, 32"):
        found(torch.ones(2, 1, 32, 32))
    with pytest.raises(ValueError, match="it takes 1 or 3 images as channels, not 2"):
        build_network(network_settings(settings), torch.Generator().manual_seed(1))


@pytest.mark.parametrize("network", ["fcn", "unet3plus", "unet3plus_decoder", "unet3plus_single"])
def test_other_networks_take_any_number(network):
    settings = SETTINGS | {"network": network, "sequence": "c0,de,t2"}
    found = build_network(network_settings(settings), torch.Generator().manual_seed(1)).eval()
    assert found.channels == 3
    with torch.inference_mode():
        assert found(torch.ones(1, 3, 32, 32)).shape == (1, 4, 32, 32)
    with pytest.raises(ValueError, match=r"images must be \(n, 3, y, x\)"):
        found(torch.ones(1, 1, 32, 32))
