"""Images in a session's folder: voxels as they were read, and pictures of them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from app.checks import NO_SPACING, spacing_fault
from app.contents import Headers, Loaded
from app.edits import EDITED, MODEL, SHOWN
from app.session import Session
from cmrseg.cine import Cine
from cmrseg.files import replacing
from cmrseg.measure.person import NOBODY
from cmrseg.sequences import SEQUENCES, USUAL

# Needs about 9 GB of memory for segmentation. The largest real cines are a fifth of this size.
MOST_VOXELS = 150_000_000
# Percentiles of a cine that are shown black and white.
WINDOW = (1, 99.7)


def check_voxels(shape: tuple[int, ...]) -> None:
    voxels = np.prod(np.array(shape, float))
    if voxels > MOST_VOXELS:
        raise ValueError(
            f"{voxels / 1e6:.0f} million voxels are more than the {MOST_VOXELS / 1e6:.0f} million "
            "that the app supports; use the workflow (predict_all) on a larger machine"
        )


def voxels_path(session: Session, loaded: Loaded | None = None, key: str = "") -> Path:
    """The voxels of one of a session's images; of the first one unless another is named."""
    is_first = loaded is None or key in ("", loaded.sequences[0])
    return session.folder / ("cine.npy" if is_first else f"cine_{key}.npy")


def keep(
    session: Session,
    cines: list[Cine],
    name: str,
    file_affine: np.ndarray | None,
    notes: list[str],
    has_spacing: bool = True,
    is_sample: bool = False,
    series: str = "",
    sequences: tuple[str, ...] = (USUAL,),
    placed: bool = True,
    headers: Headers | None = None,
) -> None:
    """Take images on one grid into a session. Arguments as those of `Loaded`."""
    check_voxels((len(cines), *cines[0].voxels.shape))
    session.progress(1, 1)
    cine, *others = cines
    # The previous images stay until the new ones are completely written.
    with replacing(session.folder / "cine.npy") as voxels:
        with open(voxels, "wb") as file:
            np.save(file, cine.voxels, allow_pickle=False)
        with replacing(session.folder / "image.u8") as picture, open(picture, "wb") as file:
            for one in cines:
                _shown(one.voxels, is_middle=len(cines) > 1).tofile(file)
    for old in session.folder.glob("cine_*.npy"):
        old.unlink()
    for key, other in zip(sequences[1:], others, strict=True):
        np.save(session.folder / f"cine_{key}.npy", other.voxels, allow_pickle=False)
    with session.editing:
        session.labelled = session.tracked = None
        for shown in (SHOWN, MODEL, EDITED, "points.f32"):
            (session.folder / shown).unlink(missing_ok=True)
        session.chosen = {}
    # Other images may be of another person.
    session.person, session.title = NOBODY, ""
    one_plane = not SEQUENCES[sequences[0]].volumetric and cine.voxels.shape[1] == 1
    fault = spacing_fault(cine.spacing_mm, one_plane) if has_spacing else NO_SPACING
    session.loaded = Loaded(
        number=session.next_number(),
        name=name,
        shape=cine.voxels.shape,
        affine=cine.affine,
        file_affine=file_affine,
        spacing_mm=cine.spacing_mm,
        spacing_fault=fault,
        interval_s=cine.frame_interval_s,
        notes=notes,
        is_sample=is_sample,
        series=series,
        sequences=sequences,
        placed=placed,
        headers=headers,
    )


def _shown(voxels: np.ndarray, is_middle: bool) -> np.ndarray:
    """An image in 8 bits, for display.

    is_middle: the middle of the picture decides: near the coils fat is many times as bright as a
    heart in T2-weighted images.
    """
    rows, columns = (n // 4 if is_middle else 0 for n in voxels.shape[2:])
    middle = voxels[:, :, rows : voxels.shape[2] - rows, columns : voxels.shape[3] - columns]
    low, high = np.percentile(middle[:, :, ::2, ::2], WINDOW)
    shown = (voxels.astype(np.float32) - low) * (255 / max(high - low, 1e-6))
    return np.clip(shown, 0, 255).astype(np.uint8)


def repairs(audit: pd.DataFrame) -> list[str]:
    """Rows of an audit as text; identical rows are counted."""
    counts = Counter(zip(audit["problem"], audit["resolution"], strict=True))
    return [
        f"{problem[:1].upper()}{problem[1:]}: {resolution}" + (f" ({n} times)" if n > 1 else "")
        for (problem, resolution), n in counts.items()
    ]
