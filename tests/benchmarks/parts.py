"""What single changes bring: `python tests/benchmarks/parts.py` takes each back and measures.

Prints how many times as long the work then takes, the median of five rounds.
"""

import gzip
import statistics
import sys
import tempfile
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "workflow"), str(HERE.parent / "helpers")]

import nibabel as nib  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

import stage_import  # noqa: E402
import stage_label  # noqa: E402
from cmrseg.cine import Cine  # noqa: E402
from cmrseg.dicom import headers  # noqa: E402
from cmrseg.learn import predict  # noqa: E402
from cmrseg.learn.predict import Predictor  # noqa: E402
from cmrseg.learn.prepare import as_float, prepare_cine  # noqa: E402
from cmrseg.nets import folded as folding  # noqa: E402
from compare import OURS, Work, in_turn, ratio_of  # noqa: E402

THREADS = 2


def main() -> None:
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        for work, runs in {
            f"label, {THREADS} threads": label(),
            "import, files in memory": dicom(Path(folder)),
            "read a NIfTI cine": reading(Path(folder)),
            "save a NIfTI cine": saving(Path(folder)),
        }.items():
            seconds = in_turn(runs)
            print(f"{work}: {statistics.median(seconds[OURS]):.3g} s", flush=True)
            for name in runs:
                if name != OURS:
                    print(f"    {name}: {ratio_of(seconds, name, OURS):.2f} times as long")


def label() -> dict[str, Work]:
    network, cine = stage_label.random_fcn(), stage_label.smooth_cine()
    labeller = Predictor(network, stage_label.SETTINGS)

    def run(own: Predictor = labeller) -> None:
        own.label(own.prepare(cine))()

    plain = Predictor(network, stage_label.SETTINGS)
    plain.network = network
    normless = Predictor(network, stage_label.SETTINGS)
    normless.network = folding._without_norms(network).eval().requires_grad_(False)
    folding._prefer_onednn(normless.network)
    normless.network.to(memory_format=torch.channels_last)
    small, large = (Predictor(network, stage_label.SETTINGS, batch=size) for size in (2, 32))
    pixels, canvas = prepare_cine(cine.voxels, stage_label.SETTINGS)
    images = torch.from_numpy(as_float(pixels.reshape(-1, 1, *canvas.size)))

    @torch.inference_mode()
    def all_threads() -> None:
        torch.set_num_threads(THREADS)
        for some in images.split(predict.BATCH):
            labeller.network(some).argmax(1).byte()

    halved = Predictor(network, stage_label.SETTINGS)
    halved.network = Halved(network)

    def whole_maps() -> None:
        with mock.patch.object(folding, "STRIP_ROWS", 10**6):
            run()

    return {
        OURS: run,
        "the plain network, in the same batches": lambda: run(plain),
        "without norms, levels joined before the first convolution": lambda: run(normless),
        "maps of full size at once instead of in strips": whole_maps,
        "batches one after another, each by all threads": all_threads,
        "in bfloat16": lambda: run(halved),
        "batches of 2 images": lambda: run(small),
        "batches of 32 images": lambda: run(large),
    }


class Halved(torch.nn.Module):
    """A network that labels in bfloat16."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = folding.folded(network, "cpu", torch.bfloat16)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.network(images.bfloat16()).float()
        return result


def dicom(folder: Path) -> dict[str, Work]:
    tree = stage_import.phantom(folder / "usual", studies=1, slices=10)

    def by_pydicom() -> float | None:
        with mock.patch.object(headers, "plain_file", return_value=None):
            return stage_import.clean(tree)

    return {OURS: lambda: stage_import.clean(tree), "all files by pydicom": by_pydicom}


def noisy_cine() -> Cine:
    """A cine of 500 images with noise of a tenth, which packs as scans do: to two thirds."""
    rng = np.random.default_rng(0)
    voxels = rng.normal(300, 40, (50, 10, 192, 208)).astype(np.int16)
    return Cine(voxels, np.eye(4))


def reading(folder: Path) -> dict[str, Work]:
    path = folder / "read.nii.gz"
    noisy_cine().save(path)

    def by_nibabel() -> None:
        np.asanyarray(nib.load(path).dataobj)  # type: ignore[attr-defined]

    def ours() -> None:
        Cine.load(path)

    return {OURS: ours, "by nibabel alone": by_nibabel}


def saving(folder: Path) -> dict[str, Work]:
    cine, path = noisy_cine(), folder / "saved.nii.gz"

    def by_zlib() -> None:
        path.write_bytes(gzip.compress(cine.voxels.tobytes(), 1))

    return {OURS: lambda: cine.save(path), "by zlib at level 1": by_zlib}


if __name__ == "__main__":
    main()
