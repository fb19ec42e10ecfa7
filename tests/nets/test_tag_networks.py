"""The two networks of tagged cines against numbers of the original with the same weights."""

import numpy as np
import pytest
import torch

from cmrseg.learn.schedule import EpochPlan, make_optimiser, set_step
from cmrseg.nets import tag_box, tag_ring
from cmrseg.nets.build import build_network, empty_network, network_settings
from cmrseg.nets.folded import folded
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.tag_box import TagBox
from cmrseg.nets.tag_ring import LSTM, TagRing
from cmrseg.nets.tensorbundle import read_bundle
from cmrseg.tasks.point_losses import box, iou_published, ring_parts, ring_strain
from formula_weights import formula_weights
from tag_oracle import (
    BOX,
    RING,
    box_images,
    example,
    oracle_folder,
    our_boxes,
    ours,
    ring_windows,
)

POINTS = [kind for kind in KINDS.values() if kind.points]
each = pytest.mark.parametrize("kind", POINTS, ids=lambda kind: kind.name)


@pytest.fixture(scope="module")
def folder(data):
    return oracle_folder(data)


@pytest.fixture(scope="module")
def expected(folder):
    return np.load(folder / "expected.npz")


def box_network(folder, form, **how):
    network = TagBox(*BOX[form], **how)
    weights = formula_weights(folder / f"localisation_{form}_manifest.json")
    network.load_state_dict(tag_box.from_tensorflow(weights))
    return network.eval()


def ring_network(folder, form):
    network = TagRing(*RING[form], compat=True)
    weights = formula_weights(folder / f"landmark_{form}_manifest.json")
    network.load_state_dict(tag_ring.from_tensorflow(weights))
    return network.eval()


# -- numbers of the original ------------------------------------------------------------------


@pytest.mark.parametrize("form", BOX)
def test_boxes_are_those_of_the_original_with_statistics_of_the_batch(data, folder, expected, form):
    network, images = box_network(folder, form, compat=True), box_images(data)
    with torch.inference_mode():
        for count, name in ((1, "example"), (3, "batch3")):
            theirs = our_boxes(expected[f"localisation_{form}_batchstats_{name}"])
            found = network(images[:count])
            torch.testing.assert_close(found, theirs, rtol=0, atol=2e-3)


@pytest.mark.parametrize("form", BOX)
def test_boxes_are_those_of_the_original_with_moving_statistics(data, folder, expected, form):
    network, images = box_network(folder, form), box_images(data)
    # The last layer of ours says shares of the image: (0.5 + share) x 256.
    with torch.inference_mode():
        network.corners.weight /= 256
        network.corners.bias.copy_(network.corners.bias / 256 - 0.5)
        for count, name in ((1, "example"), (3, "batch3")):
            theirs = our_boxes(expected[f"localisation_{form}_movingstats_{name}"])
            torch.testing.assert_close(network(images[:count]), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("form", RING)
def test_landmarks_are_those_of_the_original(data, folder, expected, form):
    network, windows = ring_network(folder, form), ring_windows(data)
    with torch.inference_mode():
        found = network(windows)
    for place, name in enumerate(("example", "random")):
        theirs = ours(expected[f"landmark_{form}_{name}"])
        torch.testing.assert_close(found[place], theirs, rtol=0, atol=2e-4)
    labels = ring_labels(data)
    parts = ring_parts(found.double(), labels)
    told = [ring_strain(found.double(), labels), parts["radial"], parts["circumferential"]]
    theirs = expected[f"landmark_{form}_loss_rr_cc_batch2"]
    assert [float(value) for value in told] == pytest.approx(theirs, rel=1e-5)


def ring_labels(data):
    """Labels of the two windows: those of the example, and the same in reverse with 1.5 added."""
    points = ours(example(data)["cropped_landmark_coords"].astype(np.float64))
    return torch.stack([points, points.flip(0) + 1.5])


def test_a_narrow_checkpoint_holds_the_weights_of_the_formula_beside_those_of_adam(folder):
    for name, module in (("localisation", tag_box), ("landmark", tag_ring)):
        state = module.from_tensorflow(read_bundle(folder / f"{name}_narrow"))
        theirs = module.from_tensorflow(formula_weights(folder / f"{name}_narrow_manifest.json"))
        assert state.keys() == theirs.keys()
        assert all(torch.equal(state[part], theirs[part]) for part in state)


# -- steps of the original's training ---------------------------------------------------------


def five_steps(network, loss_of, lr):
    """What `loss_of` says before each of five steps and after the last; the first is the loss."""
    network.train()
    optimiser = make_optimiser("constant_tensorflow", list(network.parameters()))
    told = []
    for step in range(5):
        set_step(optimiser, "constant_tensorflow", EpochPlan(2, False, lr, 0, 0, 1), step, 5)
        optimiser.zero_grad()
        loss, *others = loss_of(network)
        loss.backward()
        optimiser.step()
        told.append([value.item() for value in (loss, *others)])
    with torch.no_grad():
        told.append([value.item() for value in loss_of(network.eval())])
    return np.array(told)


def test_five_steps_of_localisation_are_those_of_the_original(data, folder, expected):
    network, images = box_network(folder, "narrow", compat=True), box_images(data)
    truth = our_boxes(expected["localisation_narrow_train_boxes"])

    def loss_of(network):
        found = network(images)
        return box(found, truth), iou_published(found, truth).mean()

    told = five_steps(network, loss_of, 1e-3)
    theirs = expected["localisation_narrow_train_loss_iou"]
    for step, tolerance in enumerate((1e-5, 1e-5, 2e-4, 4e-3, 4e-3, 4e-3)):
        assert told[step] == pytest.approx(theirs[step], rel=tolerance)
    after = {
        "layer1.conv.kernel": network.blocks[0].conv.weight.permute(2, 3, 1, 0),
        "layer1.batch_normalization.moving_mean": network.blocks[0].norm.running_mean,
        "layer1.batch_normalization.moving_variance": network.blocks[0].norm.running_var,
        "layer3.batch_normalization.moving_variance": network.blocks[2].norm.running_var,
        "dense2.dense.bias": network.corners.bias[[1, 0, 3, 2]],
    }
    for name, value in after.items():
        want = expected[f"localisation_narrow_after5_{name}"]
        np.testing.assert_allclose(value.detach(), want, rtol=0, atol=4e-4, err_msg=name)


def test_five_steps_of_landmarks_are_those_of_the_original(data, folder, expected):
    network, windows = ring_network(folder, "narrow"), ring_windows(data)
    network.dropout.p = 0
    labels = ring_labels(data).float()

    def loss_of(network):
        parts = ring_parts(found := network(windows), labels)
        return ring_strain(found, labels), parts["radial"], parts["circumferential"]

    told = five_steps(network, loss_of, 1e-4)
    np.testing.assert_allclose(told, expected["landmark_narrow_train_loss_rr_cc"], rtol=1e-5)
    after = {
        "cnn_cell.conv1.kernel": network.convolutions[0].weight.permute(2, 3, 1, 0),
        "rnn.basic_lstm_cell.bias": network.lstm.entering.bias,
        "dense_1.bias": network.landmarks.bias.reshape(168, 2).flip(1).T.ravel(),
    }
    for name, value in after.items():
        want = expected[f"landmark_narrow_after5_{name}"]
        np.testing.assert_allclose(value.detach(), want, rtol=0, atol=2e-5, err_msg=name)


# -- without the numbers of the original ------------------------------------------------------


def settings_of(kind, width, size_px):
    about = {"network": kind.name, "encoder": "", "width": width, "size_px": size_px}
    return network_settings(about | {"task": "track", "sequence": "tag", "tissues": "my"})


def drawn(*shape):
    """Random grey values in 0..1."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(2))


def built(kind, size_px=128, width=1):
    settings = settings_of(kind, width, size_px)
    return build_network(settings, torch.Generator().manual_seed(1)).eval()


@each
def test_points_have_the_frames_and_the_number_that_the_registry_says(kind):
    with torch.inference_mode():
        found = built(kind)(drawn(2, kind.frames, 128, 128))
    assert found.shape == (2, kind.frames, kind.points, 2)


@pytest.mark.parametrize(
    ("name", "size_px", "values"),
    [("tag_box_compat", 256, 3_763_076), ("tag_ring_compat", 128, 35_607_440)],
)
def test_networks_have_the_published_number_of_trainable_values(name, size_px, values):
    with torch.device("meta"):
        network = empty_network(settings_of(KINDS[name], 32, size_px))
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == values


@each
def test_images_of_another_size_are_refused(kind):
    with pytest.raises(ValueError, match=rf"expected \(n, {kind.frames}, 128, 128\) of a network"):
        built(kind)(torch.zeros(1, kind.frames, 64, 128))


@pytest.mark.parametrize(("name", "least"), [("tag_box", 125), ("tag_ring", 22)])
def test_the_smallest_images_have_one_place_left_and_smaller_ones_are_refused(name, least):
    kind = KINDS[name]
    with torch.inference_mode():
        assert built(kind, least)(drawn(1, kind.frames, least, least)).isfinite().all()
    with pytest.raises(ValueError, match=rf"size_px {least - 1}: too small .* at least {least}"):
        built(kind, least - 1)


def test_a_network_that_places_points_needs_a_task_of_points_and_a_size():
    settings = settings_of(KINDS["tag_box"], 2, 128)
    with pytest.raises(ValueError, match="network tag_box places points, and task segment makes a"):
        empty_network(settings | {"task": "segment"})
    with pytest.raises(ValueError, match="of images of size_px 4096; expected at most 512"):
        empty_network(settings | {"size_px": 4096})
    with pytest.raises(ValueError, match=r"expected exactly \['encoder', .*'size_px', "):
        empty_network({name: value for name, value in settings.items() if name != "size_px"})


@pytest.mark.parametrize(
    "kind", [kind for kind in POINTS if not kind.finds_heart], ids=lambda kind: kind.name
)
def test_new_networks_begin_in_the_middle_or_at_the_corner_of_the_image(kind):
    # The last layer has no bias yet; as published it says coordinates, ours shares of the size.
    with torch.inference_mode():
        found = built(kind)(torch.zeros(2, kind.frames, 128, 128))
    assert found.unique().tolist() == ([0] if kind.name.endswith("compat") else [64])


@each
def test_the_form_in_which_a_network_labels_says_the_same(kind):
    network, images = built(kind), drawn(3, kind.frames, 128, 128)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean += 0.1
                module.running_var *= 1.3
        torch.testing.assert_close(folded(network)(images), network(images), rtol=1e-4, atol=1e-3)


def test_boxes_of_one_image_depend_on_the_others_only_as_published():
    images = drawn(3, 1, 128, 128)
    for name, depends in (("tag_box", False), ("tag_box_compat", True)):
        network = built(KINDS[name])
        with torch.inference_mode():
            apart = (network(images)[:1] - network(images[:1])).abs().max()
        assert (apart > 1e-3) == depends, name


def test_the_lstm_is_that_of_torch_with_one_added_to_the_forget_gate():
    own, theirs = LSTM(3, 5), torch.nn.LSTM(3, 5, batch_first=True)
    with torch.no_grad():
        for number, weight in enumerate(theirs.parameters()):
            weight.copy_(drawn(number + 1, *weight.shape)[number] - 0.5)
        # Gates of PyTorch: input, forget, new value, output; ours have the middle two swapped.
        own_bias = theirs.bias_ih_l0 + theirs.bias_hh_l0
        own_bias[5:10] -= 1
        places = torch.tensor([0, 2, 1, 3])
        for mine, value in (
            (own.entering.weight, theirs.weight_ih_l0),
            (own.recurrent.weight, theirs.weight_hh_l0),
            (own.entering.bias, own_bias),
        ):
            mine.copy_(value.unflatten(0, (4, 5))[places].flatten(0, 1))
        features = drawn(2, 20, 3) - 0.5
        torch.testing.assert_close(own(features), theirs(features)[0])


def test_landmarks_of_a_frame_depend_on_earlier_frames_alone():
    network, windows = built(KINDS["tag_ring"], 32), drawn(1, 20, 32, 32)
    changed = windows.clone()
    changed[:, 10] += 1
    with torch.inference_mode():
        apart = (network(windows) - network(changed)).abs().amax((0, 2, 3))
    assert (apart > 0).tolist() == [False] * 10 + [True] * 10


def test_outputs_of_the_lstm_are_dropped_in_training_alone():
    network, windows = built(KINDS["tag_ring"], 32), drawn(1, 20, 32, 32)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(1)
        same = network(windows)
        assert torch.equal(network(windows), same)
        network.train()
        assert not torch.equal(network(windows), same)


def test_first_weights_are_drawn_as_tensorflow_draws_them():
    network = built(KINDS["tag_ring"], 32, width=2)
    # One kernel (128, 256) for what enters and for its own output.
    bound = (6 / (128 + 256)) ** 0.5
    for weight in (network.lstm.entering.weight, network.lstm.recurrent.weight):
        assert 0.98 * bound < weight.abs().max().item() <= bound
    assert network.hidden.weight.abs().max().item() <= (6 / 128) ** 0.5
    assert not network.lstm.entering.bias.any()


@each
def test_places_are_in_float32_where_convolutions_are_in_bfloat16(kind):
    network, images = built(kind, width=4), drawn(2, kind.frames, 128, 128)
    with torch.inference_mode():
        if kind.name.endswith("compat"):
            # As a trained one says places: in the middle of the image.
            (network.corners if kind.frames == 1 else network.landmarks).bias += 100
        plain = network(images)
        with torch.autocast("cpu", torch.bfloat16):
            found = network(images)
    assert found.dtype == torch.float32
    assert (found != found.bfloat16()).any()
    assert plain.std() > 1e-3
    # Of tag_motion the first frame: errors of the steps to the others add up.
    apart = (found - plain)[:, :1] if kind.finds_heart else found - plain
    assert apart.abs().max() < 0.05 * plain.std() + 0.05


@each
def test_halves_are_the_convolutions(kind):
    network = built(kind)
    early, late = network.halves()
    inside = {id(p) for module in (*early, *late) for p in module.parameters()}
    convolutions = [m.weight for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert all(id(weight) in inside for weight in convolutions)
    assert sum(map(len, network.groups())) == len(list(network.parameters()))
