"""Labelling on a graphics card: `python tests/benchmarks/gpu_label.py`, results in $OUT/label.json.

Needs torch, numpy, nibabel and safetensors, and takes about two minutes. Without a card it runs on
a few small images, which says nothing but that the script works.
"""

import importlib.util
import json
import os
import signal
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))
# Modules that are imported, and not used here, write tables and resize label maps.
if importlib.util.find_spec("pandas") is None:
    sys.modules["pandas"] = types.SimpleNamespace(DataFrame=object)  # type: ignore[assignment]
if importlib.util.find_spec("scipy") is None:
    sys.modules["cmrseg.label_grids"] = types.SimpleNamespace(resize_labels=None)  # type: ignore[assignment]

from cmrseg.cine import Cine  # noqa: E402
from cmrseg.learn import label  # noqa: E402
from cmrseg.learn.cuda_images import CardImages, percentiles, planes_for_card  # noqa: E402
from cmrseg.learn.predict import CARD_BATCH, Predictor, agreement, label_on_card  # noqa: E402
from cmrseg.learn.prepare import as_float, prepare_cine  # noqa: E402
from cmrseg.learn.weights import save_weights  # noqa: E402
from cmrseg.nets.build import build_network, network_settings  # noqa: E402
from cmrseg.nets.fcn import FCN  # noqa: E402
from cmrseg.nets.folded import FoldedFCN, folded  # noqa: E402

# torch asks the modules that are there for their origin.
for module in ("pandas", "cmrseg.label_grids"):
    if isinstance(sys.modules.get(module), types.SimpleNamespace):
        del sys.modules[module]

CARD = torch.cuda.is_available()
DEVICE = "cuda" if CARD else "cpu"
# (t, z, y, x), as the UK Biobank has them, and mL of a voxel of 1.8 x 1.8 x 10 mm.
SHAPE = (50, 10, 192, 208) if CARD else (2, 3, 64, 80)
VOXEL_ML = 1.8 * 1.8 * 10 / 1000
BATCHES = (50, 100, 250, 500) if CARD else (2, 6)
CINES, STEPS = (16, 300) if CARD else (3, 2)
SECONDS = 140
NETWORK = {"network": "fcn", "encoder": "", "width": 16, "tissues": "lv,my,rv"}
SETTINGS = network_settings(NETWORK)
SETTINGS |= {"preparation": "fcn", "size_px": 192, "intensity": "linear"}
LAST = torch.channels_last
STARTED = time.monotonic()
FOUND: dict = {"rows": [], "errors": {}}


def main() -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    FOUND["device"] = torch.cuda.get_device_name() if CARD else "cpu"
    FOUND["torch"] = f"{torch.__version__}, cudnn {torch.backends.cudnn.version()}"
    attempt("ceilings", ceilings)
    trained = attempt("training of a network to label with", trained_fcn)
    networks = {"random": random_fcn(), "trained": trained}
    cine = hearts_cine(seed=7)
    images = as_float(prepare_cine(cine.voxels, SETTINGS)[0]).reshape(-1, 1, *SHAPE[2:])
    images = torch.from_numpy(images).to(DEVICE)
    for name, network in networks.items():
        if network is not None:
            attempt(f"agreement, {name}", lambda n=network, k=name: precisions(k, n, images))
    network = trained or networks["random"]
    attempt("speed of the network", lambda: speed(network, images))
    attempt("a cine", lambda: one_cine(network, cine))
    attempt("a shard", lambda: shard(network))
    attempt("U-Net", lambda: unet(images))
    attempt("compiled", lambda: compiled(network, images))
    if CARD:
        FOUND["memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
    write()
    print(json.dumps({k: v for k, v in FOUND.items() if k != "rows"}, indent=1))


# -- what is measured ------------------------------------------------------------------------------


def ceilings() -> None:
    side, size = (8192, 2**30) if CARD else (256, 2**20)
    left = torch.rand(side, side, device=DEVICE).bfloat16()
    half = seconds(lambda: left @ left)
    single = seconds(lambda: left.float() @ left.float(), repeats=3)
    source = torch.empty(size, dtype=torch.uint8, device=DEVICE)
    target = torch.empty_like(source)
    copied = seconds(lambda: target.copy_(source))
    FOUND["tflops"], FOUND["tflops_32"] = 2e-12 * side**3 / half, 2e-12 * side**3 / single
    FOUND["bandwidth_gb_s"] = 2e-9 * size / copied
    row("ceiling: matrix product, bfloat16", half, note=f"{FOUND['tflops']:.0f} TFLOP/s")
    row("ceiling: copy on the card", copied, note=f"{FOUND['bandwidth_gb_s']:.0f} GB/s")


def precisions(name: str, network: FCN, images: torch.Tensor) -> None:
    """Labels beside those of the plain network in 32 bits, and the largest volume of a frame."""
    plain = in_batches(network.to(DEVICE), images, torch.float32)
    FOUND[f"labels of the {name} network"] = torch.bincount(plain.flatten().int()).tolist()
    for kind in ("float32", "float16", "bfloat16"):
        dtype = getattr(torch, kind)
        labels = in_batches(folded(network, DEVICE, dtype), images, dtype)
        same = (labels == plain).double().mean().item()
        by_frame = [x.reshape(SHAPE[0], -1) for x in (labels, plain)]
        volumes = [torch.stack([(x == k).sum(1) for k in (1, 2, 3)]) for x in by_frame]
        largest = (volumes[0] - volumes[1]).abs().max().item() * VOXEL_ML
        FOUND.setdefault("agreement", {})[f"{name}, {kind}"] = [same, largest]
        print(f"{name} network, {kind}: {same:.5%} of labels, volumes within {largest:.3f} mL")


def speed(network: FCN, images: torch.Tensor) -> None:
    """Images that are on the card to labels that are: plain networks, then ours."""
    plain = network.to(DEVICE).eval()
    bests = {}
    for tf32 in (False, True):
        torch.backends.cudnn.allow_tf32 = tf32
        for batch in (8, BATCHES[0]):
            name = f"plain, {'tf32' if tf32 else 'float32'}, batch {batch}"
            some = images[: max(BATCHES[0], batch)]
            taken = timed(
                name, lambda b=batch, s=some: in_batches(plain, s, torch.float32, b), some
            )
            bests[tf32] = min(bests.get(tf32, taken), taken)
    torch.backends.cudnn.allow_tf32 = False
    alone = images[: 20 if CARD else 2]
    timed("plain, float32, model(x) per image", lambda: one_by_one(plain, alone), alone)
    FOUND["flop_per_image"], FOUND["bytes_per_image"] = work(network, images[:2])
    for kind in ("float32", "float16", "bfloat16"):
        dtype = getattr(torch, kind)
        own = folded(network, DEVICE, dtype)
        for batch in BATCHES if kind == "float16" else (CARD_BATCH,):
            taken = timed(
                f"ours, {kind}, batch {batch}",
                lambda b=batch, n=own, d=dtype: in_batches(n, images, d, b),
                images,
            )
            if kind == "float16" and batch in (CARD_BATCH, BATCHES[0]):
                FOUND["ratio_to_float32"], FOUND["ratio_to_tf32"] = (
                    bests[False] / taken,
                    bests[True] / taken,
                )
                flop = FOUND["flop_per_image"] / taken
                FOUND["share_of_arithmetic"] = flop / 1e12 / FOUND["tflops"]
                moved = FOUND["bytes_per_image"] / taken
                FOUND["share_of_bandwidth"] = moved / 1e9 / FOUND["bandwidth_gb_s"]
    half = torch.float16
    if CARD:
        fused = folded(network, DEVICE, half)
        apart = FoldedFCN(network).eval().requires_grad_(False)
        apart = apart.to(DEVICE, half).to(memory_format=LAST)
        attempt("fused", lambda: same_labels(fused, apart, images))
        attempt(
            "not fused",
            lambda: timed(
                f"ours without cuDNN's fused sums, float16, batch {CARD_BATCH}",
                lambda: in_batches(apart, images, half, CARD_BATCH),
                images,
            ),
        )
        attempt("graph", lambda: graph(fused, images, "ours"))


def graph(network: torch.nn.Module, images: torch.Tensor, name: str) -> None:
    static = images[:CARD_BATCH].half()
    side = torch.cuda.Stream()
    with torch.cuda.stream(side), torch.inference_mode():
        for _ in range(2):
            network(static).argmax(1)
    torch.cuda.current_stream().wait_stream(side)
    recorded = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(recorded):
        network(static).argmax(1).byte()
    timed(f"{name} as a CUDA graph, float16, batch {CARD_BATCH}", recorded.replay, static)


def compiled(network: FCN, images: torch.Tensor) -> None:
    some = images[: CARD_BATCH if CARD else 2]
    if CARD:
        plain = FoldedFCN(network).eval().requires_grad_(False)
        own = torch.compile(plain.to(DEVICE, torch.float16).to(memory_format=LAST), dynamic=False)
        timed(
            f"ours by torch.compile, float16, batch {CARD_BATCH}",
            lambda: in_batches(own, some, torch.float16, CARD_BATCH),
            some,
        )


def one_cine(network: FCN, cine: Cine) -> None:
    """Voxels in memory to labels in memory, and its parts."""
    labeller = Predictor(network, SETTINGS, DEVICE)
    count = SHAPE[0] * SHAPE[1]
    row("a cine: all", wall(lambda: labeller.label(labeller.prepare(cine))()) / count)
    row("a cine: to memory the card reads", wall(lambda: labeller.prepare(cine)) / count)
    planes, canvas = planes_for_card([cine.voxels], SETTINGS)
    on_card = CardImages(planes, canvas, SETTINGS, DEVICE)
    row("a cine: to the card", seconds(lambda: planes.to(DEVICE, non_blocking=True)) / count)
    row("a cine: percentiles", seconds(lambda: percentiles(on_card.planes)) / count)
    chunks = range(0, count, CARD_BATCH)
    row("a cine: images", seconds(lambda: [on_card[i : i + CARD_BATCH] for i in chunks]) / count)
    fast = folded(network, DEVICE, torch.float16)
    labels = label_on_card(fast, on_card, CARD_BATCH, labeller.reading)
    own = seconds(lambda: label_on_card(fast, on_card, CARD_BATCH, labeller.reading)) / count
    row("a cine: images, network and labels", own)
    own = seconds(lambda: agreement(labeller.network, on_card, labels, labeller.reading)) / count
    row("a cine: some images again with 32 bits", own)
    FOUND["agreement of some images"] = agreement(
        labeller.network, on_card, labels, labeller.reading
    ).item()
    # The same numbers as on a processor.
    pixels, _ = prepare_cine(cine.voxels, SETTINGS)
    expected = torch.from_numpy(as_float(pixels.reshape(-1, 1, *canvas.size)))
    FOUND["images are the processor's"] = torch.equal(on_card[:].cpu(), expected)


def shard(network: FCN) -> None:
    """Files to files, as a job does; then its parts, one after another in one thread."""
    count = SHAPE[0] * SHAPE[1]
    with tempfile.TemporaryDirectory() as work_folder:
        folder = Path(work_folder)
        cine = hearts_cine(seed=8)
        first = folder / "images/s00/sa.nii.gz"
        cine.save(first)
        for number in range(1, CINES):
            (folder / f"images/s{number:02}").mkdir()
            (folder / f"images/s{number:02}/sa.nii.gz").write_bytes(first.read_bytes())
        save_weights(network.cpu().state_dict(), folder / "weights.safetensors")
        for turn, ahead in enumerate((label.CARD_AHEAD, label.CARD_AHEAD, 8)):
            label.CARD_AHEAD = ahead
            (folder / str(turn)).mkdir()
            started = time.perf_counter()
            label.label_shard(
                SETTINGS,
                folder / "weights.safetensors",
                folder / "images",
                folder / str(turn),
                DEVICE,
            )
            taken = (time.perf_counter() - started) / CINES / count
            if turn:
                row(f"a shard of {CINES} cines, files to files, {ahead} read ahead", taken)
        labeller = Predictor(network, SETTINGS, DEVICE)
        row("a shard: read, one thread", wall(lambda: Cine.load(first)) / count)
        prepared = labeller.prepare(cine)
        row("a shard: label", wall(lambda: labeller.label(prepared)()) / count)
        labels = cine.like(labeller.label(prepared)().reshape(SHAPE))
        row("a shard: save, one thread", wall(lambda: labels.save(folder / "l.nii.gz")) / count)


def unet(images: torch.Tensor) -> None:
    unet = {"network": "unet", "encoder": "resnet34", "width": 64}
    settings = network_settings(NETWORK | unet)
    network = build_network(settings, torch.Generator().manual_seed(1)).to(DEVICE).eval()
    side = 256 if CARD else 64
    some = functional.interpolate(images[: BATCHES[0]], (side, side))
    batch = min(50, BATCHES[0])
    plain = in_batches(network, some, torch.float32, batch)
    for kind in ("float32", "float16"):
        dtype = getattr(torch, kind)
        own = folded(network, DEVICE, dtype)
        same = (in_batches(own, some, dtype, batch) == plain).double().mean().item()
        timed(
            f"U-Net of ResNet-34, {kind}, {same:.4%} of plain labels",
            lambda n=own, d=dtype: in_batches(n, some, d, batch),
            some,
        )
    timed("U-Net, plain", lambda: in_batches(network, some, torch.float32, batch), some)


# -- networks, images and forms --------------------------------------------------------------------


def same_labels(network, other, images: torch.Tensor) -> None:
    found = [in_batches(n, images, torch.float16) for n in (network, other)]
    FOUND["fused agrees"] = (found[0] == found[1]).double().mean().item()


def random_fcn() -> FCN:
    generator = torch.Generator().manual_seed(1)
    network = FCN(classes=4, filters=16).eval()
    network.initialise(generator)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    with torch.no_grad():
        logits = network(hearts(4, 3)[0])
        spread = logits.std((0, 2, 3))
        network.logits.weight /= spread[:, None, None, None]
        network.logits.bias.copy_(-logits.mean((0, 2, 3)) / spread)
    return network


def trained_fcn() -> FCN:
    """Some seconds of training, after which logits are far apart but at outlines."""
    network = FCN(classes=4, filters=16)
    network.initialise(torch.Generator().manual_seed(1))
    network.to(DEVICE, memory_format=LAST).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.1
    images, labels = (x.to(DEVICE) for x in hearts(200 if CARD else 4, 4))
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(5)
    for _ in range(STEPS):
        some = torch.randint(len(images), (16 if CARD else 2,), generator=generator).to(DEVICE)
        logits = network(images[some].contiguous(memory_format=LAST))
        loss = functional.cross_entropy(logits, labels[some])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    FOUND["training_loss"] = loss.item()
    return network.eval().requires_grad_(False)


def hearts(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cavities, walls and crescents on a smooth background: (n, 1, y, x) in 0..1 and labels."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = SHAPE[2:]

    def between(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    y, x = y - rows / 2 + between(-12, 12), x - columns / 2 + between(-12, 12)
    cavity, wall = between(6, 18), between(5, 9)
    far = (y**2 + (x * between(0.9, 1.1)) ** 2).sqrt()
    beside = ((y + between(-4, 4)) ** 2 / 1.6 + (x + cavity + wall + between(4, 10)) ** 2).sqrt()
    labels = 3 * (beside < between(12, 20)).long()
    labels[far < cavity + wall] = 2
    labels[far < cavity] = 1
    small = torch.rand(count, 1, 9, 9, generator=generator)
    images = functional.interpolate(small, (rows, columns), mode="bicubic")[:, 0].clamp(0, 1) / 2
    for tissue, low, high in ((1, 0.75, 0.95), (2, 0.1, 0.25), (3, 0.7, 0.9)):
        images = torch.where(labels == tissue, between(low, high), images)
    images += 0.05 * torch.randn(images.shape, generator=generator)
    return functional.avg_pool2d(images[:, None], 3, 1, 1).clamp(0, 1), labels


def hearts_cine(seed: int) -> Cine:
    images, _ = hearts(SHAPE[0] * SHAPE[1], seed)
    return Cine((1000 * images).numpy().astype(np.int16).reshape(SHAPE), np.eye(4))


# -- measuring -------------------------------------------------------------------------------------


@torch.inference_mode()
def in_batches(network, images: torch.Tensor, dtype: torch.dtype, batch: int = 50) -> torch.Tensor:
    found = [
        network(images[first : first + batch].to(dtype)).argmax(1).byte()
        for first in range(0, len(images), batch)
    ]
    return torch.cat(found)


@torch.inference_mode()
def one_by_one(network, images: torch.Tensor) -> list:
    return [network(image[None]).argmax(1).byte().cpu() for image in images]


class Moved(TorchDispatchMode):
    """Sums the bytes of what operations read and write, as if no cache held any of it."""

    total = 0

    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if not function.is_view and "empty" not in str(function):
            given = torch.utils._pytree.tree_leaves((args, kwargs, result))
            self.total += sum(x.nbytes for x in given if isinstance(x, torch.Tensor))
        return result


def work(network: FCN, images: torch.Tensor) -> tuple[float, float]:
    """Arithmetic of one image, in operations, and the bytes that 16-bit maps of it are."""
    own = folded(network, DEVICE, torch.float16 if CARD else None)
    products = []
    hooks = [
        module.register_forward_hook(
            lambda m, _, y: products.append(m.weight.numel() * y.numel() / y.shape[1])
        )
        for module in own.modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    with torch.inference_mode(), Moved() as moved:
        own(images.to(next(own.parameters()).dtype)).argmax(1)
    for hook in hooks:
        hook.remove()
    return 2 * sum(products) / len(images), moved.total / len(images)


def seconds(run: Callable[[], object], repeats: int = 7) -> float:
    """Median seconds by the card's own clock, after two runs that are not counted."""
    if not CARD:
        return wall(run, 1)
    for _ in range(2):
        run()
    taken = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        taken.append(start.elapsed_time(end) / 1000)
    return statistics.median(taken)


def wall(run: Callable[[], object], repeats: int = 5) -> float:
    taken = []
    for turn in range(repeats + 1):
        started = time.perf_counter()
        run()
        if CARD:
            torch.cuda.synchronize()
        if turn:
            taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def timed(name: str, run: Callable[[], object], images: torch.Tensor) -> float:
    """Seconds of one image, as a row."""
    taken = seconds(run) / len(images)
    row(name, taken)
    return taken


def row(name: str, taken: float, note: str = "") -> None:
    note = note or f"{1e6 * taken:9.1f} us of an image, {1 / taken:9.0f} images/s"
    FOUND["rows"].append({"name": name, "seconds": taken})
    print(f"{time.monotonic() - STARTED:5.0f} s  {name:58} {note}", flush=True)


class OutOfTime(Exception):
    pass


def attempt(name: str, run: Callable[[], object]):
    """Do it if there is time left; what goes wrong is said and noted, and the next thing begins."""

    def stop(*_: object) -> None:
        raise OutOfTime(f"{SECONDS} s are over")

    left = SECONDS - (time.monotonic() - STARTED)
    if left < 1:
        FOUND["errors"][name] = "no time left"
        return None
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(int(left))
    try:
        return run()
    except Exception as error:
        FOUND["errors"][name] = f"{type(error).__name__}: {str(error)[:500]}"
        print(f"       {name}: {FOUND['errors'][name]}", flush=True)
        return None
    finally:
        signal.alarm(0)
        write()


def write() -> None:
    folder = Path(os.environ.get("OUT", "."))
    (folder / "label.json").write_text(json.dumps(FOUND, indent=1))


if __name__ == "__main__":
    main()
