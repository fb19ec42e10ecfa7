"""Steps on other devices than a CPU, as far as a CPU can tell, and on a GPU where there is one."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from test_train import UNET, heart

from cmrseg.labels import UNLABELLED, Target
from cmrseg.learn import step as steps
from cmrseg.learn.augment import apply_transforms, draw_transforms
from cmrseg.learn.slices import Slices
from cmrseg.learn.source import Source
from cmrseg.learn.step import FLOAT32, Mode, NewNorms, batch_loss, choose_mode, loss_function
from cmrseg.learn.train import check_finite
from cmrseg.nets.build import build_network
from cmrseg.tasks.losses import LOSSES
from cmrseg.tasks.segment import Segmentation
from networks import network_of
from stopped_training import resumed_alike, trained

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
MODES = [Mode(True), Mode(True, steps.COMPILED)]
TARGET = Target.of("lv,my")
TASK = Segmentation(TARGET, "ce")
NETWORK = network_of("unet", 2, "lv,my", encoder="resnet34")


def network(seed=0):
    return build_network(NETWORK, torch.Generator().manual_seed(seed))


def batch(count=4, size=32):
    """Images and labels of a learnable kind; the last image has no label."""
    planes, labels = zip(*(heart(i) for i in range(count)), strict=True)
    images = torch.tensor(np.stack([plane[0, 0] for plane in planes])).clip(0, 1)
    labels = torch.tensor(np.stack([label[0, 0] % 3 for label in labels]))
    labels[-1] = UNLABELLED
    return images[:, :size, :size], labels[:, :size, :size]


@pytest.fixture
def slices(tmp_path):
    """32 slices, of which 24 are to train on."""
    images, labels = zip(*(heart(i) for i in range(8)), strict=True)
    pixels = np.round(255 * np.clip(np.concatenate(images), 0, 1)).astype(np.uint8)
    targets = np.concatenate(labels) % 3
    index = pd.DataFrame({"row": range(32), "subject": "1", "volume": 0, "lv_pixels": 1})
    index["split"] = ["train"] * 24 + ["validate"] * 8
    for name, array in (("images.npy", pixels), ("labels.npy", targets)):
        np.save(tmp_path / name, array.reshape(32, 32, 32))
    index.to_csv(tmp_path / "index.tsv", sep="\t", index=False)
    return Slices.load(tmp_path)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_wait_for_no_value_on_other_devices(name):
    # A tensor of the meta device has no values: looking at one is an error.
    images, labels = batch()
    logits = torch.zeros(len(images), 3, 32, 32, device="meta", requires_grad=True)
    LOSSES[name](logits, labels.to("meta"), TARGET).backward()
    assert logits.grad is not None


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_are_one_program_for_a_compiler(name):
    images, labels = batch()
    logits = torch.zeros(len(images), 3, 32, 32, device="meta", requires_grad=True)
    torch.compile(LOSSES[name], fullgraph=True, backend="eager")(logits, labels.to("meta"), TARGET)


def test_statistics_of_new_norms_are_the_same_by_step_and_by_epoch():
    images, _ = batch()
    after = {}
    for device in ("cpu", "cuda"):
        own = network().train()
        norms = NewNorms(own, UNET, device)
        for epoch in range(2):
            with norms.epoch(3 * epoch, 3) as before_step, torch.no_grad():
                for step in range(3 * epoch, 3 * epoch + 3):
                    before_step(step)
                    own(images[:, None] / (1 + step))
        after[device] = {k: v for k, v in own.state_dict().items() if "running" in k}
    for name, value in after["cpu"].items():
        torch.testing.assert_close(after["cuda"][name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("change", [{"start": "base"}, {"network": "unet_compat"}])
def test_statistics_that_are_worth_keeping_are_kept(change):
    assert not NewNorms(network(), UNET | change, "cpu").norms


def test_a_loss_that_is_not_finite_is_named_by_its_step_also_later():
    losses = [torch.tensor(value) for value in (1.0, 2.0, float("inf"), float("nan"))]
    check_finite(losses[:2], 4, 0, 0.1)
    with pytest.raises(FloatingPointError, match="epoch 4, step 2: the loss is inf at a highest"):
        check_finite(losses, 4, 0, 0.1)
    with pytest.raises(FloatingPointError, match="epoch 4, step 3: the loss is nan"):
        check_finite(losses, 4, 3, 0.1)


def test_long_trainings_are_compiled_on_a_gpu_where_they_can_be(slices, monkeypatch, caplog):
    caplog.set_level("INFO")
    long, short = UNET | {"epochs": 4000}, UNET | {"epochs": 100}
    assert choose_mode(long, slices, "cpu") == FLOAT32
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(steps, "has_triton", lambda: True)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert choose_mode(long, slices, "cuda") == Mode(bfloat16=True, compiled=steps.COMPILED)
    assert choose_mode(short, slices, "cuda") == Mode(bfloat16=True)
    assert choose_mode(long | {"preparation": "fcn"}, slices, "cuda") == Mode(bfloat16=True)
    for name, compiled in (("unet_compat", steps.COMPILED), ("unet3plus", "")):
        assert choose_mode(long | {"network": name}, slices, "cuda") == Mode(True, compiled)
    assert "not compiled" not in caplog.text
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert choose_mode(long, slices, "cuda") == Mode(bfloat16=True)
    assert "the network is not compiled: Triton or a C compiler is missing here" in caplog.text
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert choose_mode(short, slices, "cuda") == FLOAT32


# -- on a GPU --------------------------------------------------------------------------------


@pytest.mark.gpu
@ON_GPU
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_and_gradients_are_those_of_the_cpu(name):
    _, labels = batch()
    found = []
    for device in ("cpu", "cuda"):
        logits = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)
        logits.requires_grad_()
        loss = LOSSES[name](logits, labels.to(device), TARGET)
        loss.backward()
        found.append((loss.item(), logits.grad.cpu()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(*(gradient for _, gradient in found), rtol=1e-4, atol=1e-7)


@pytest.mark.gpu
@ON_GPU
@pytest.mark.parametrize("preset", ["extreme", "myops", "myops_cmrseg"])
def test_augmentation_is_that_of_the_cpu(preset):
    images, labels = batch()
    transforms = draw_transforms(np.random.default_rng(0), len(images), preset, 32)
    own, own_labels = apply_transforms(images, labels, transforms)
    gpu, gpu_labels = apply_transforms(images.cuda(), labels.cuda(), transforms)
    torch.testing.assert_close(gpu.cpu(), own, rtol=1e-4, atol=1e-4)
    assert (gpu_labels.cpu() == own_labels).float().mean() > 0.995


@pytest.mark.gpu
@ON_GPU
@pytest.mark.parametrize("mode", MODES, ids=["bfloat16", "compiled"])
def test_loss_of_a_batch_is_nearly_that_of_float32(mode):
    images, labels = (tensor.cuda() for tensor in batch())
    own = network().cuda().train()
    expected = batch_loss(own, images, labels, TASK, FLOAT32)[0].item()
    found = loss_function(own, TASK, mode)(images, labels)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, rel=0.02)


@pytest.mark.gpu
@ON_GPU
@pytest.mark.parametrize("mode", MODES, ids=["bfloat16", "compiled"])
def test_run_stopped_after_any_epoch_ends_with_the_same_bytes_on_a_gpu(
    slices, tmp_path, monkeypatch, mode
):
    settings = UNET | {"epochs": 2, "epochs_frozen": 0, "augmentation": "no"}
    history = resumed_alike(settings, slices, 1, tmp_path, monkeypatch, device="cuda", mode=mode)
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]


@pytest.mark.gpu
@ON_GPU
def test_labels_of_other_tissues_are_refused_on_a_gpu_too(slices):
    labels = np.array(slices.labels)
    labels[5, 0, 0] = 3
    wrong = Slices(slices.images, labels, slices.index, slices.folder)
    with pytest.raises(ValueError, match="label 3 in a batch for a network of lv,my"):
        trained(UNET, wrong, device="cuda")


class Small(Source):
    """Leaves the arrays on the disk."""

    SHARE = 0.0


@pytest.mark.gpu
@ON_GPU
def test_a_gpu_without_room_reads_the_same_batches(slices):
    rows = np.array([3, 0, 7])
    source = Small(slices, "cuda")
    assert source.resident is None
    for own, expected in zip(source.read(rows), slices.batch(rows), strict=True):
        assert torch.equal(own.cpu(), torch.tensor(expected))
