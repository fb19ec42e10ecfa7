"""Making slices and reading batches of them, beside a folder of PNG files as it was published.

Layout and grey values of the pictures: Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import nibabel
import numpy as np
from matplotlib.image import imsave
from PIL import Image

from cmrseg.cine import Cine
from cmrseg.learn.slices import Slices, make_slices
from compare import Row, compare

SETTINGS = {
    "sequence": "sa",
    "preparation": "unet",
    "size_px": 256,
    "intensity": "greys",
    "tissues": "lv,my",
}
# Frames, slices, rows and columns of a cine of the Kaggle data, with fewer of the first two.
SHAPE = (10, 10, 256, 192)
SUBJECTS, BATCH, BATCHES = 2, 32, 10
IMAGES = SUBJECTS * SHAPE[0] * SHAPE[1]
PEER, FLOOR = "PNG files by matplotlib and Pillow", "unpacking the NIfTI files"


def rows(work: Path) -> Iterator[Row]:
    matplotlib.use("Agg")
    subjects = [subject(work, i) for i in range(SUBJECTS)]
    files = [path for *_, images, labels in subjects for path in (*images, labels)]

    def unpack() -> None:
        for path in files:
            gzip.decompress(path.read_bytes())

    def make() -> None:
        make_slices(subjects, SETTINGS, work / "slices")

    runs = {"ours": make, "peer": lambda: write_pictures(subjects, work / "png"), "floor": unpack}
    yield compare("slices", f"make {IMAGES} slices of {SUBJECTS} subjects", runs, PEER, FLOOR)

    slices, pictures = Slices.load(work / "slices"), sorted((work / "png/images").rglob("*.png"))
    made = len(list((work / "slices").iterdir())), len(list((work / "png").rglob("*.png")))
    chosen = np.random.default_rng(0).integers(IMAGES, size=(BATCHES, BATCH))

    def read() -> None:
        for numbers in chosen:
            slices.batch(numbers)

    def read_files() -> None:
        for numbers in chosen:
            read_pictures([pictures[number] for number in numbers])

    runs = {"ours": read, "peer": read_files}
    what = f"read {BATCHES} random batches of {BATCH} from {made[0]} files (peer: {made[1]})"
    yield compare("slices", what, runs, PEER)


def subject(folder: Path, number: int) -> tuple[str, str, list[Path], Path]:
    """A cine with noise and its labels, a ring around a disc, as files."""
    rng = np.random.default_rng(number)
    t, z, rows, columns = SHAPE
    y, x = np.mgrid[:rows, :columns]
    distance = np.hypot(y - rows / 2, x - columns / 2)
    labels = np.select([distance < 18, distance < 26], [1, 2], 0).astype(np.uint8)
    grey = 200 * np.exp(-distance / 60) + 100 * (labels == 1) + rng.normal(80, 12, SHAPE)
    image, target = (folder / f"{number}_{name}.nii.gz" for name in ("image", "labels"))
    Cine(np.floor(grey.clip(0)).astype(np.float32), np.eye(4)).save(image)
    Cine(np.tile(labels, (t, z, 1, 1)), np.eye(4)).save(target)
    return str(number), "train", [image], target


def write_pictures(subjects: list[tuple[str, str, Path, Path]], folder: Path) -> None:
    """A grey picture and a picture of the labels for each frame and slice, turned by 90 degrees."""
    for name, _, image_path, label_path in subjects:
        images, labels = (nibabel.load(path).get_fdata() for path in (image_path, label_path))
        for kind in ("images", "masks"):
            (folder / kind / name).mkdir(parents=True, exist_ok=True)
        for slice_, frame in np.ndindex(images.shape[2:]):
            file = f"{name}/{name}-frame{frame:03d}-slice{slice_:03d}.png"
            plane = np.rot90(images[:, :, slice_, frame])
            imsave(folder / "images" / file, plane, cmap="Greys_r")
            mask = np.rot90(labels[:, :, slice_, frame]).astype(np.uint8) % 3
            Image.fromarray(np.ascontiguousarray(mask)).save(folder / "masks" / file)


def read_pictures(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, y, x) float32 in 0...1 and labels (n, y, x) of some pictures, on a square."""
    size = SETTINGS["size_px"]
    images = np.zeros((len(paths), size, size), np.float32)
    labels = np.zeros((len(paths), size, size), np.uint8)
    for number, path in enumerate(paths):
        mask = path.parents[2] / "masks" / path.parent.name / path.name
        with Image.open(path) as picture, Image.open(mask) as target:
            grey = np.asarray(picture)[..., 0]
            left = (size - grey.shape[1]) // 2
            images[number, : grey.shape[0], left : left + grey.shape[1]] = grey / np.float32(255)
            labels[number, : grey.shape[0], left : left + grey.shape[1]] = np.asarray(target)
    return images, labels
