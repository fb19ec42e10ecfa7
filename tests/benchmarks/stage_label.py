"""Labelling a cine with the FCN of the published size, against TensorFlow and image by image."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from cmrseg.cine import Cine
from cmrseg.learn.predict import Predictor, predict_cine
from cmrseg.learn.prepare import as_float, prepare_cine
from cmrseg.nets.fcn import FCN
from cmrseg.nets.folded import folded
from compare import FLOOR, OURS, PEER, Row, Work, Worker, compare, environment

# A fifth of a cine of the UK Biobank, which has 50 frames: (t, z, y, x).
SHAPE = (10, 10, 192, 208)
# Frames that the slowest peer labels; its seconds are those of all.
ALONE = 2
SETTINGS = {"tissues": "lv,my,rv", "preparation": "fcn", "size_px": 192, "intensity": "linear"}
THREADS = 2
WORK = f"{SHAPE[0] * SHAPE[1]} images of {SHAPE[2]} x {SHAPE[3]}, FCN, {THREADS} threads"
# Labels that may differ from the peer's, whose images are not rounded to 16 bits.
MOST_DIFFERENT = 1e-4
# As TensorFlow runs it, and with less arithmetic than it has as published.
PEERS = {
    "joined": "TensorFlow 2.15",
    "by_channel": "TensorFlow 2.15, enlarged by channel",
}


def rows(work: Path) -> Iterator[Row]:
    network, cine = random_fcn(), smooth_cine()
    np.savez(work / "weights.npz", **{k: v.numpy() for k, v in network.state_dict().items()})
    np.save(work / "cine.npy", cine.voxels)
    python = environment("tensorflow")
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        # Made once, as the graph of the peer is.
        labeller = Predictor(network, SETTINGS)

        def label() -> None:
            labeller.label(labeller.prepare(cine))()

        ours = predict_cine(network, cine, SETTINGS)
        for enlargement, peer in PEERS.items():
            files = [work / name for name in ("weights.npz", "cine.npy", "labels.npy")]
            with Worker(python, "tensorflow_fcn", *files, THREADS, enlargement) as worker:
                worker()
                different = (np.load(work / "labels.npy") != ours).mean()
                assert different < MOST_DIFFERENT, f"{peer}: {different:.2%} of labels differ"
                runs: dict[str, Work] = {OURS: label, PEER: worker}
                if enlargement == "joined":
                    runs[FLOOR] = arithmetic_alone(network)
                yield compare("label", WORK, runs, peer, "its arithmetic in one convolution")
        runs = {OURS: label, PEER: lambda: image_by_image(network, cine)}
        yield compare("predict", WORK, runs, "plain network, image by image")
    finally:
        torch.set_num_threads(threads)


def random_fcn() -> FCN:
    """Random weights and norms; each of four classes wins somewhere."""
    generator = torch.Generator().manual_seed(1)
    network = FCN(classes=4, filters=16).eval()
    network.initialise(generator)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    with torch.no_grad():
        logits = network(torch.from_numpy(smooth_cine().voxels[0, :, None] / np.float32(1000)))
        spread = logits.std((0, 2, 3))
        network.logits.weight /= spread[:, None, None, None]
        network.logits.bias.copy_(-logits.mean((0, 2, 3)) / spread)
    return network


def smooth_cine() -> Cine:
    """Blobs and some noise, 12 bits of 16."""
    t, z, y, x = SHAPE
    generator = torch.Generator().manual_seed(2)
    blobs = torch.rand(t * z, 1, y // 16, x // 16, generator=generator)
    images = functional.interpolate(blobs, (y, x), mode="bicubic").clamp(0, 1)
    images += 0.05 * torch.rand(images.shape, generator=generator)
    return Cine((900 * images).numpy().astype(np.int16).reshape(SHAPE), np.eye(4))


def image_by_image(network: FCN, cine: Cine) -> float:
    """What a loop over `model(x)` takes, from the first `ALONE` frames."""
    started = time.perf_counter()
    pixels, canvas = prepare_cine(cine.voxels[:ALONE], SETTINGS)
    with torch.inference_mode():
        for image in pixels.reshape(-1, 1, 1, *canvas.size):
            network(torch.from_numpy(as_float(image))).argmax(1).byte().numpy()
    return (time.perf_counter() - started) * SHAPE[0] / ALONE


def arithmetic_alone(network: FCN):
    """As many products as the folded network has, in the kind of convolution that is fastest."""
    products = []

    def count(module, inputs, result):
        pixels = result.shape[0] * result.shape[2] * result.shape[3]
        products.append(module.weight.numel() * pixels)

    counted = folded(network)
    for module in counted.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    with torch.inference_mode():
        counted(torch.zeros(1, 1, *SHAPE[2:]))
    images, channels, side = 16, 128, 24
    weight = torch.rand(channels, channels, 3, 3)
    maps = torch.rand(images, channels, side, side).contiguous(memory_format=torch.channels_last)
    each = weight.numel() * images * side * side
    times = round(sum(products) * SHAPE[0] * SHAPE[1] / each)

    @torch.inference_mode()
    def run() -> None:
        for _ in range(times):
            functional.conv2d(maps, weight, padding=1)

    return run
