"""Transfer one slice's pixels to the cine's grid: the same steps for images and labels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cmrseg.dicom.resample import fit, resize, rotate, scaled_size
from cmrseg.labels import UNLABELLED, Tissue, values_of
from cmrseg.sequences import VENTRICLES


@dataclass(frozen=True)
class Placement:
    """Steps from a slice's own pixels to the cine's grid, in this order.

    scale_y, scale_x: factors of the number of rows and columns. mirrored: columns reversed, for
    a plane seen from its other side. rotation_deg: counter-clockwise as displayed.
    rotation_canvas: "own" rotates within the slice's own size and cuts what leaves it,
    "target" straight into the cine's size. shift_y, shift_x: to higher rows and columns, in
    pixels of the grid, together with cropping or padding. Then `quarter_turns`
    counter-clockwise turns of the whole stack.
    """

    scale_y: float = 1.0
    scale_x: float = 1.0
    mirrored: bool = False
    rotation_deg: float = 0.0
    rotation_canvas: str = "target"
    shift_y: float = 0.0
    shift_x: float = 0.0
    quarter_turns: int = 0

    def __post_init__(self):
        if self.rotation_canvas not in ("own", "target"):
            raise ValueError(
                f"rotation_canvas is {self.rotation_canvas!r}, expected 'own' or 'target'"
            )


# The columns of a sources table that make up a placement.
PLACEMENT_COLUMNS = list(Placement.__dataclass_fields__)


def place(
    images: np.ndarray, placement: Placement, shape: tuple[int, int], nearest: bool = False
) -> np.ndarray:
    """Transfer images (..., y, x) of one slice to the cine's grid.

    shape: (rows, columns) of the cine, after the quarter turns. Linear with anti-aliasing, or for
    labels the value with the largest share (`nearest`). Outside the images: 0.
    """
    target = shape if placement.quarter_turns % 2 == 0 else (shape[1], shape[0])
    rows, columns = images.shape[-2:]
    size = (scaled_size(rows, placement.scale_y), scaled_size(columns, placement.scale_x))
    if nearest:
        # Only needed for labels, and slow to load.
        from cmrseg.label_grids import resize_labels

        placed = resize_labels(images, size)
    else:
        placed = resize(images, size)
    if placement.mirrored:
        placed = placed[..., ::-1]
    shift = (placement.shift_y, placement.shift_x)
    if placement.rotation_deg:
        canvas = size if placement.rotation_canvas == "own" else target
        placed = rotate(placed, placement.rotation_deg, canvas, nearest, shift)
        shift = (0.0, 0.0)
    return np.rot90(fit(placed, target, shift, nearest), placement.quarter_turns, axes=(-2, -1))


def place_labels(
    read_label: Callable[[str], np.ndarray | None],
    sources: pd.DataFrame,
    shape: tuple[int, int, int, int],
    shown: tuple[Tissue, ...] = VENTRICLES,
) -> np.ndarray:
    """Transfer labels drawn on the DICOM files' pixels to the cine's grid.

    read_label: takes a value of the column `file`, gives a (rows, columns) integer image, or None
    if that file is not labelled. sources: table of an import, one row per (z, t).
    shape: (t, z, y, x) of the cine. shown: tissues that labels of the sequence may hold. Returns
    uint8 of that shape; UNLABELLED where there is no label. Raises ValueError naming the file if a
    label's size differs from the image's or if it contains values that are no tissue.
    """
    placed = np.full(shape, UNLABELLED, np.uint8)
    known: dict[str, np.ndarray | None] = {}
    for row in sources.itertuples(index=False):
        if row.file not in known:
            known[row.file] = read_label(row.file)
        label = known[row.file]
        if label is None:
            continue
        if label.shape != (row.rows, row.columns):
            raise ValueError(
                f"{row.file}: label of shape {label.shape}, expected {(row.rows, row.columns)}; "
                "draw it on the pixels of this file"
            )
        check_labels(label, row.file, shown)
        placement = Placement(**{name: getattr(row, name) for name in PLACEMENT_COLUMNS})
        placed[row.t, row.z] = place(label, placement, shape[2:], nearest=True)
    return placed


def check_labels(labels: np.ndarray, name: str, shown: tuple[Tissue, ...]) -> None:
    """Raise ValueError naming file and values if labels contain values that are no tissue.

    shown: tissues that label maps of the sequence may hold. Call this before converting labels to
    uint8, which would turn 257 into LV cavity.
    """
    values, known = np.unique(labels), values_of(shown)
    unknown = values[~np.isin(values, [*known, UNLABELLED])]
    if unknown.size:
        raise ValueError(
            f"{name}: label values {unknown[:5].tolist()}, expected {known}, or "
            f"{UNLABELLED} for unlabelled pixels"
        )
