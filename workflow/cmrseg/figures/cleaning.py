"""Before and after cleaning: slice positions, images and repairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style

COLUMNS = ("subject", "problem", "resolution", "image")
ROW_MM = 68.0
BAR_MM = 4.6
# Slices closer than this share a position.
SAME_PLACE_MM = 0.5
# Along the rows: the heart and its surroundings.
SHOWN_MM = 180.0
# Longer titles of the left panels reach into the next ones.
LONG_TITLE = 36
CONSEQUENCES = {
    "repaired": "#332288",
    "removed": "#CC6677",
    "subject excluded": "#222222",
    "noted only": "#BBBBBB",
}


@dataclass(frozen=True)
class Stack:
    """One subject before and after cleaning.

    before: of each slice as acquired, its position along the stack's normal in mm and its
    first image (rows, cols), in the order of the files; row_spacing_mm: spacing of its rows,
    one per slice. after: (t, z, y, x); spacing_mm: (z, y, x) of `after`.
    pair: numbers in `before` and `after` of the slice that is shown; the middle ones where None.
    change: how cleaning changed its picture, in words; empty if it did not.
    centre_x: column of `after` through the LV; its middle where None.
    """

    subject: str
    before: Sequence[tuple[float, np.ndarray]]
    row_spacing_mm: Sequence[float]
    after: np.ndarray
    spacing_mm: tuple[float, float, float]
    pair: tuple[int, int] | None = None
    change: str = ""
    centre_x: int | None = None


@style.styled
def figure(stacks: Sequence[Stack], audit: pd.DataFrame) -> Figure:
    """Long-axis reformats and mid slices before and after cleaning, and counts of problems.

    stacks: subjects to show, one row each. audit: columns subject, problem, resolution, image;
    one row per problem found in the cohort.
    Raises ValueError if there is no subject, a subject has no slices, or a column is missing.
    """
    if not stacks:
        raise ValueError("figure cleaning: no subject to show, expected at least one")
    for stack in stacks:
        if len(stack.before) != len(stack.row_spacing_mm) or not stack.before:
            raise ValueError(
                f"figure cleaning: subject {stack.subject}: {len(stack.before)} slices and "
                f"{len(stack.row_spacing_mm)} row spacings, expected as many and at least one"
            )
    style.checked(audit, COLUMNS, "cleaning", empty=True)
    bars_mm = 16 + BAR_MM * max(len(audit.groupby(["problem", "resolution"])), 3)
    result = style.figure_mm(style.TWO_COLUMNS_MM, ROW_MM * len(stacks) + bars_mm)
    grid = result.add_gridspec(2, 1, height_ratios=[ROW_MM * len(stacks), bars_mm])
    above, below = result.add_subfigure(grid[0]), result.add_subfigure(grid[1])
    rows = above.add_gridspec(len(stacks), 1)
    first, *_ = [_subject(above.add_subfigure(rows[n]), s) for n, s in enumerate(stacks)]
    style.letter(first, "a")
    style.letter(_counts(below.subplots(), audit), "b")
    return result


def _subject(part: SubFigure, stack: Stack) -> Axes:
    grid = part.add_gridspec(2, 3, width_ratios=[1.02, 1, 1])
    before, after = part.add_subplot(grid[0, 0]), part.add_subplot(grid[1, 0])
    _long_axis_before(before, stack)
    _long_axis_after(after, stack)
    title = f"Subject {stack.subject}, as acquired: {len(stack.before)} slices"
    if len(title) > LONG_TITLE:
        title = title.replace(", ", ",\n", 1)
    before.set_title(title)
    after.set_title(f"Cleaned: {stack.after.shape[1]} slices, {stack.spacing_mm[0]:.3g} mm apart")
    after.set_xlabel("y, down the image (mm)")
    for axes in (before, after):
        axes.set_ylabel("Position (mm)")
    middle = int(np.argsort([p for p, _ in stack.before], kind="stable")[len(stack.before) // 2])
    acquired, cleaned = stack.pair or (middle, stack.after.shape[1] // 2)
    _slice(part.add_subplot(grid[:, 1]), stack.before[acquired][1], 1.0, "A slice, as acquired")
    aspect = stack.spacing_mm[1] / stack.spacing_mm[2]
    title = "Cleaned" + (f": {stack.change or 'no change in plane'}" if stack.pair else "")
    _slice(part.add_subplot(grid[:, 2]), stack.after[0, cleaned], aspect, title)
    return before


def _show(axes: Axes, image: np.ndarray, shown: np.ndarray | None = None, **kwargs) -> None:
    """`shown`, a part of `image` (all of it if None), in the grey levels of `image`."""
    low, high = np.percentile(image, (1, 99.5))
    part = image if shown is None else shown
    axes.imshow(part, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), **kwargs)


def _long_axis_before(axes: Axes, stack: Stack) -> None:
    positions = np.array([position for position, _ in stack.before])
    places = np.round(positions / SAME_PLACE_MM).astype(int)
    steps = np.diff(np.unique(places)) * SAME_PLACE_MM
    # a strip is as high as the usual slice spacing: gaps and overlaps become visible
    strip_mm = float(np.median(steps)) if len(steps) else stack.spacing_mm[0]
    for number, (position, image) in enumerate(stack.before):
        twins = np.flatnonzero(places == places[number])
        share = strip_mm * 0.92 / len(twins)
        bottom = position - strip_mm * 0.46 + share * int(np.flatnonzero(twins == number)[0])
        half = image.shape[0] * stack.row_spacing_mm[number] / 2
        _show(
            axes,
            image,
            image[:, image.shape[1] // 2][None, :],
            extent=(-half, half, bottom, bottom + share),
            aspect="auto",
            interpolation="nearest",
        )
    widest = max(
        i.shape[0] * s for (_, i), s in zip(stack.before, stack.row_spacing_mm, strict=True)
    )
    _frame(axes, widest / 2, positions.min() - strip_mm, positions.max() + strip_mm)


def _long_axis_after(axes: Axes, stack: Stack) -> None:
    dz, dy, _ = stack.spacing_mm
    _, slices, rows, columns = stack.after.shape
    centre = columns // 2 if stack.centre_x is None else stack.centre_x
    half = rows * dy / 2
    _show(
        axes,
        stack.after[0, :, :, centre],
        extent=(-half, half, -dz / 2, (slices - 0.5) * dz),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    _frame(axes, half, -dz, slices * dz)


def _frame(axes: Axes, half: float, low: float, high: float) -> None:
    half = min(half, SHOWN_MM / 2)
    axes.set(xlim=(-half, half), ylim=(low, high))
    axes.set_aspect("equal", adjustable="box", anchor="NW")
    axes.set_facecolor("white")


def _slice(axes: Axes, image: np.ndarray, aspect: float, title: str) -> None:
    _show(axes, image, aspect=aspect, interpolation="bicubic", interpolation_stage="data")
    axes.set_anchor("N")
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, weight="normal")
    axes.set_xlabel(f"{image.shape[0]} × {image.shape[1]} pixels", fontsize=6, color=style.PALE)
    for spine in axes.spines.values():
        spine.set_visible(False)


def consequence(resolution: str) -> str:
    """Consequence of an audit resolution for the data: a key of CONSEQUENCES."""
    if resolution == "none":
        return "noted only"
    if resolution == "subject excluded":
        return resolution
    removed = any(word in resolution for word in ("removed", "ignored", "excluded"))
    return "removed" if removed else "repaired"


def _counts(axes: Axes, audit: pd.DataFrame) -> Axes:
    style.grid(axes, "x")
    rows = audit.groupby(["problem", "resolution"], as_index=False).agg(
        times=("image", "size"), subjects=("subject", "nunique")
    )
    rows = rows.sort_values(["times", "problem"], ascending=[False, True], kind="stable")
    named: set[str] = set()
    for at, row in enumerate(rows.itertuples()):
        kind = consequence(row.resolution)
        label = "" if kind in named else kind
        named.add(kind)
        axes.barh(at, row.times, color=CONSEQUENCES[kind], height=0.7, label=label)
        axes.annotate(
            f"{row.times} in {row.subjects} subject{'s' * (row.subjects != 1)}: {row.resolution}",
            (row.times, at),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=6,
        )
    axes.set_yticks(range(len(rows)), list(rows["problem"]))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    # space for the text to the right of the longest bar
    axes.set_xlim(0, max([*rows["times"], 1]) * 1.45)
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    axes.set_xlabel("Times found")
    axes.set_title(f"Problems found in {audit['subject'].nunique()} subjects")
    handles, labels = axes.get_legend_handles_labels()
    by_name = dict(zip(labels, handles, strict=True))
    names = [name for name in CONSEQUENCES if name in by_name]
    if names:
        axes.legend([by_name[name] for name in names], names, loc="lower right")
    return axes
