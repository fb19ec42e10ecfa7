"""The recurrent network of aortic cines against numbers of the original with the same weights."""

import numpy as np
import pytest
import torch

from aorta_reference import reference_network
from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.learn.over_time import OverTime, window_of
from cmrseg.learn.predict import Predictor, predict_cine
from cmrseg.learn.prepare import prepare_cine, zscore
from cmrseg.nets.unet_lstm import UNetLSTM, frame_weights
from cmrseg.tasks.windows import windows

SETTINGS = {
    **{"network": "unet_lstm", "encoder": "", "width": 2, "sequence": "ao", "tissues": "aao,dao"},
    **{"preparation": "zscore", "intensity": "linear", "size_px": 32},
}


@pytest.fixture(scope="module")
def folder(data):
    return data / "ukbb_aorta"


@pytest.fixture(scope="module")
def expected(folder):
    return np.load(folder / "UNet-LSTM_expected.npz")


@pytest.fixture(scope="module")
def full(folder):
    return reference_network(folder, "full", 16, 16).eval()


@pytest.fixture(scope="module")
def cine(folder):
    """As the original sees it: x and y change places in our arrays, and nothing else."""
    return Cine.load(folder / "ao.nii.gz")


def test_probabilities_of_a_narrow_network_are_those_of_the_original(folder, expected):
    network = reference_network(folder, "narrow", 2, 4).eval()
    images = torch.from_numpy(expected["narrow_image"][..., 0].swapaxes(2, 3).copy())
    with torch.inference_mode():
        found = network(images).softmax(2)
    theirs = expected["narrow_prob"].transpose(0, 1, 4, 3, 2)
    np.testing.assert_allclose(found.numpy(), theirs, rtol=0, atol=1e-5)
    assert (found.argmax(2).numpy() == expected["narrow_pred"].swapaxes(2, 3)).all()


def test_grey_values_are_those_of_the_original(cine, expected):
    ours = zscore(cine.voxels.reshape(-1, *cine.voxels.shape[2:])).reshape(cine.voxels.shape)
    # Every 16th x and y of the slice, every 5th frame; there as x, y, t.
    found = ours[::5, 0, ::16, ::16].transpose(2, 1, 0)
    np.testing.assert_allclose(found, expected["full_zscore_sub"].reshape(found.shape), atol=1e-5)
    pixels, canvas = prepare_cine(cine.voxels, SETTINGS | {"size_px": 256})
    assert canvas.size == (256, 256)
    assert pixels.dtype == np.float32
    assert (pixels[:, :, 0] == 0).all()


def test_mean_and_standard_deviation_are_those_of_the_original(cine, expected):
    # Of all voxels; those of what is no air are 0 and 1.
    ours = zscore(cine.voxels[:, 0]).astype(float)
    assert [ours.mean(), ours.std()] == pytest.approx(expected["full_zscore_mean_std"], abs=1e-6)


def test_a_window_has_the_probabilities_of_the_original(cine, full, expected):
    pixels, _ = prepare_cine(cine.voxels, SETTINGS | {"size_px": 256})
    frames = windows(len(pixels), 9)[0]
    with torch.inference_mode():
        found = full(torch.from_numpy(pixels[frames, 0])[None]).softmax(2)[0]
    ours = found.numpy()[:, :, ::8, ::8].transpose(0, 3, 2, 1)
    np.testing.assert_allclose(ours, expected["full_window0_prob_sub"], rtol=0, atol=1e-5)


@pytest.mark.long
def test_a_cine_has_the_labels_of_the_original(cine, full, folder, expected):
    settings = SETTINGS | {"size_px": 256, "width": 16}
    labeller = Predictor(full, settings)
    planes, canvas = labeller.prepare(cine)
    shares = labeller.over_time.shares(planes[:, 0], labeller._spread)
    y, x = canvas.offset
    inside = shares[:, :, y : y + canvas.native[0], x : x + canvas.native[1]].numpy()
    frame = inside[3].transpose(2, 1, 0)[::2, ::2]
    np.testing.assert_allclose(frame, expected["full_prob_frame3"], rtol=0, atol=1e-5)
    every = inside.transpose(3, 2, 0, 1)[::8, ::8]
    theirs = expected["full_prob_sub"]
    np.testing.assert_allclose(every, theirs.reshape(every.shape), rtol=0, atol=1e-5)
    labels = predict_cine(full, cine, settings)
    original = Cine.load(folder / "seg_ao.nii.gz").voxels
    tissues = np.array([0, Tissue.AAO, Tissue.DAO])[original]
    # Voxels whose two best shares are as good as equal may go either way.
    two = np.sort(inside, axis=1)[:, -2:]
    doubtful = (two[:, 1] - two[:, 0] < 1e-5)[:, None]
    assert (labels == tissues)[~doubtful].all()
    assert doubtful.mean() < 1e-4
    assert (labels != tissues).sum() <= 3


# -- without the numbers of the original --------------------------------------------------------


@pytest.fixture
def small():
    network = UNetLSTM(3, 2)
    network.initialise(torch.Generator().manual_seed(1))
    return network.eval()


def test_each_frame_is_weighted_by_its_place_in_a_window():
    assert frame_weights().tolist() == pytest.approx(
        [0.85134, 0.91244, 0.95020, 0.97793, 1, 0.97793, 0.95020, 0.91244, 0.85134], abs=1e-5
    )
    with pytest.raises(ValueError, match="a window of 11 frames; the weights are for up to 9"):
        frame_weights(11)
    assert window_of(SETTINGS) == 9
    assert window_of({"network": "fcn"}) == window_of({}) == 1


def beat(frames, seed=1):
    rng = np.random.default_rng(seed)
    return Cine(rng.normal(100, 20, (frames, 2, 20, 24)).astype(np.float32), np.eye(4))


def test_shares_are_the_weighted_mean_over_all_windows(small):
    frames = torch.from_numpy(np.random.default_rng(2).normal(size=(11, 32, 32)).astype("f4"))
    found = OverTime(small, 9, "cpu").shares(frames, lambda work, starts: map(work, starts))
    total = torch.zeros_like(found)
    with torch.inference_mode():
        for window in windows(11, 9):
            said = small(frames[window][None]).softmax(2)[0]
            for place, frame in enumerate(window):
                total[frame] += frame_weights()[place] * said[place]
    torch.testing.assert_close(found, total / frame_weights().sum(), rtol=0, atol=1e-6)
    torch.testing.assert_close(found.sum(1), torch.ones_like(found[:, 0]), rtol=0, atol=1e-5)


def test_a_beat_may_begin_at_any_frame(small):
    cine = beat(10)
    labels = predict_cine(small, cine, SETTINGS)
    assert labels.shape == (10, 2, 20, 24)
    moved = predict_cine(small, cine.like(np.roll(cine.voxels, 3, axis=0)), SETTINGS)
    assert (moved == np.roll(labels, 3, axis=0)).mean() > 0.999


def test_slices_do_not_know_of_each_other_and_progress_is_told(small):
    cine, told = beat(9), []
    labels = predict_cine(small, cine, SETTINGS, progress=lambda *n: told.append(n))
    assert told == [(9, 18), (18, 18)]
    # Both slices are scaled together, so that one alone has other grey values.
    labeller = Predictor(small, SETTINGS)
    planes, canvas = labeller.prepare(cine)
    alone = labeller.label((planes[:, 1:], canvas))()
    assert (alone == labels[:, 1]).all()


def test_a_cine_that_is_shorter_than_a_window_is_refused(small):
    with pytest.raises(ValueError, match="a window of 9 frames is longer than a cycle of 8"):
        predict_cine(small, beat(8), SETTINGS)


def test_images_that_are_larger_than_those_of_training_get_multiples_of_16():
    pixels, canvas = prepare_cine(np.ones((1, 1, 40, 20), np.float32), SETTINGS)
    assert canvas.size == (48, 32)
    assert np.isfinite(pixels).all()


def test_another_network_is_none_over_time():
    with pytest.raises(TypeError, match="Linear is no network over time"):
        OverTime(torch.nn.Linear(1, 1), 9, "cpu")
