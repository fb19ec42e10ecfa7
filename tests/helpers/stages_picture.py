"""Draws docs/figures/stages.png, the stages of a study and what each hands on.

`PYTHONPATH=workflow .venv/bin/python tests/helpers/stages_picture.py`; all rules of a study:
`.venv/bin/snakemake --rulegraph`.
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).resolve().parents[2]
# Stage, what comes out, and its place in columns and rows.
STAGES = {
    "raw files": ("DICOM, NIfTI, HDF5,\nor the digital heart", (0, 1.2)),
    "import": ("clean images, audit", (1, 1.2)),
    "label": ("label maps of experts\nand of models", (2, 1.2)),
    "volumes": ("EDV, ESV, EF, mass", (3, 3)),
    "confidence": ("subjects whose volumes\nagree with known ones", (4, 3)),
    "slices": ("training images", (3, 2)),
    "train": ("weights, record, card", (4, 2)),
    "evaluate": ("Dice, distances,\nagreement", (3, 0.75)),
    "phenotypes": ("atria, aorta, wall,\nstrain", (3, -0.25)),
    "figures": ("report", (4, 0.25)),
}
# From, to, and the bend of the arrow.
ARROWS = [
    ("raw files", "import", 0),
    ("import", "label", 0),
    ("label", "volumes", 0),
    ("label", "slices", 0),
    ("label", "evaluate", 0),
    ("volumes", "confidence", 0),
    ("confidence", "train", 0),
    ("slices", "train", 0),
    ("train", "label", -0.22),
    ("label", "phenotypes", 0),
    ("evaluate", "figures", 0),
    ("phenotypes", "figures", 0),
]
WIDTH, HEIGHT, COLUMN, ROW = 1.55, 0.78, 2.05, 1.35


def figure() -> Figure:
    """The picture."""
    drawn = Figure(figsize=(9.8, 5.4))
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set_xlim(-1.0, 4 * COLUMN + 1.0)
    axes.set_ylim(-0.25 * ROW - 0.6, 3 * ROW + 0.6)
    axes.set_axis_off()
    boxes = {}
    for name, (gives, (column, row)) in STAGES.items():
        x, y = column * COLUMN, row * ROW
        boxes[name] = FancyBboxPatch(
            (x - WIDTH / 2, y - HEIGHT / 2),
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0.06",
            facecolor="#EAF2F8" if name != "raw files" else "#F3F3F3",
            edgecolor="#34647F",
        )
        axes.add_patch(boxes[name])
        axes.text(x, y + 0.2, name, ha="center", va="center", fontsize=12, weight="bold")
        axes.text(x, y - 0.17, gives, ha="center", va="center", fontsize=8.5)
    for start, end, bend in ARROWS:
        axes.add_patch(
            FancyArrowPatch(
                _centre(start),
                _centre(end),
                patchA=boxes[start],
                patchB=boxes[end],
                arrowstyle="-|>",
                mutation_scale=14,
                connectionstyle=f"arc3,rad={bend}",
                color="#34647F",
                linewidth=1.3,
                zorder=0,
            )
        )
    return drawn


def _centre(stage: str) -> tuple[float, float]:
    column, row = STAGES[stage][1]
    return column * COLUMN, row * ROW


if __name__ == "__main__":
    figure().savefig(ROOT / "docs/figures/stages.png", dpi=110, metadata={"Software": None})
