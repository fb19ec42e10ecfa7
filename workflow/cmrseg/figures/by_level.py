"""Overlap and contour distance at base, mid and apex, by labeller."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.labels import NAMES, SHORT_NAMES, Tissue
from cmrseg.measure.aha_segments import LEVELS
from cmrseg.splits import upright_rows

COLUMNS = ("labeller", "subject", "slice", "frame")
TISSUES = (Tissue.LV, Tissue.MYO, Tissue.RV)
# Rows of the figure: beginning and end of a column, and words on the axis.
SCORES = (("dice_", "", "Dice"), ("hausdorff_", "_mm", "Hausdorff distance (mm)"))
ROW_MM = 52.0


def by_level(images: pd.DataFrame, seen: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Mean scores of each subject at each level, by labeller.

    images: evaluated images with labeller, subject, split, slice, frame, scores, and counts of
    pixels such as lv_my (LV of the reference, myocardium of the labeller). seen: by labeller, the
    splits from which it learnt, whose subjects are left out. The slices in which the reference has
    a cavity are three parts, as equal as can be, the larger of which are nearer to the base; the
    base is the end with the larger cavity. If a subject has a rotated copy, only the copy is
    included. Returns labeller, subject, level, and the columns of SCORES that are there; a level
    without slices has no row.
    """
    learnt = [
        s in seen.get(w, ()) for w, s in zip(images["labeller"], images["split"], strict=True)
    ]
    table = upright_rows(images[~np.array(learnt, bool)])
    counts = table.filter(regex=f"^{SHORT_NAMES[Tissue.LV]}_").sum(axis=1)
    table = table.assign(cavity_px=counts)
    table = table[table["cavity_px"] > 0]
    levels = table.groupby(["labeller", "subject"], group_keys=False).apply(
        _levels, include_groups=False
    )
    names = [f"{b}{SHORT_NAMES[t]}{e}" for b, e, _ in SCORES for t in TISSUES]
    names = [name for name in names if name in table and table[name].notna().any()]
    groups = table.assign(level=levels).groupby(["labeller", "subject", "level"])
    return groups[names].mean().reset_index()


def _levels(rows: pd.DataFrame) -> pd.Series:
    """The level of each image of a subject."""
    areas = rows.groupby("slice")["cavity_px"].mean()
    slices = areas.index.to_numpy()
    third = -(-len(slices) // 3)
    if areas.iloc[:third].mean() < areas.iloc[-third:].mean():
        slices = slices[::-1]
    parts = np.array_split(slices, len(LEVELS))
    found = {int(s): level for level, part in zip(LEVELS, parts, strict=True) for s in part}
    return rows["slice"].map(found)


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = ()) -> Figure:
    """Boxes of subjects' mean Dice and Hausdorff distance at each level: a column per tissue.

    table: as of `by_level`. order: all labellers of the study, for colours and places.
    Raises ValueError if a column or every row is missing, or there is no Dice.
    """
    table = style.checked(table, ("labeller", "subject", "level"), "agreement_by_level")
    tissues = [t for t in TISSUES if f"dice_{SHORT_NAMES[t]}" in table]
    if not tissues:
        raise ValueError("figure agreement_by_level: no Dice of any tissue; evaluate label maps")
    looks = style.looks(table["labeller"], order)
    levels = style.in_order(table["level"], LEVELS)
    width = style.TWO_COLUMNS_MM if len(tissues) > 1 else style.ONE_COLUMN_MM
    result = style.figure_mm(width, 10 + ROW_MM * len(SCORES))
    panels = result.subplots(len(SCORES), len(tissues), sharex=True, sharey="row", squeeze=False)
    for row, (begin, end, words) in enumerate(SCORES):
        for axes, tissue in zip(panels[row], tissues, strict=True):
            style.grid(axes)
            sns.boxplot(
                table,
                x="level",
                y=f"{begin}{SHORT_NAMES[tissue]}{end}",
                order=levels,
                hue="labeller",
                hue_order=list(looks),
                palette={name: look.colour for name, look in looks.items()},
                saturation=1,
                linewidth=0.6,
                fliersize=1.5,
                width=0.8,
                gap=0.15,
                legend=False,
                # seaborn 0.13 passes `vert`, which matplotlib 3.11 warns of.
                vert=None,
                orientation="vertical",
                ax=axes,
            )
            axes.set(xlabel="", ylabel="")
            axes.tick_params(axis="x", length=0)
            if row == 0:
                axes.set_title(NAMES[tissue])
        panels[row, 0].set_ylabel(words)
        style.letter(panels[row, 0], "ab"[row])
    panels[0, 0].set_ylim(top=1)
    panels[1, 0].set_ylim(bottom=0)
    handles = [
        Line2D([], [], color=look.colour, marker="s", linestyle="", label=name)
        for name, look in looks.items()
    ]
    style.legend_above(result, handles, width)
    return result
