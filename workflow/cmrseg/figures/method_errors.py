"""Error of the ejection fraction by published method, also for images as acquired."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cmrseg.figures import style
from cmrseg.figures.distributions import boxes
from cmrseg.figures.published_names import (
    KINDS,
    evaluated_rows,
    method_look,
    named_methods,
    turned_rows,
)

COLUMNS = ("id", "study", "rotated", "method", "abs_ef_error")
# Errors beyond these, in percentage points, are counted in a column instead of drawn.
LARGEST_SHOWN = 20.0
LARGEST_SHOWN_TURNED = 50.0
ROW_MM = 7.0
# Distance between columns of numbers.
NARROW_PT, WIDE_PT = 28.0, 34.0
TITLE_PAD_PT = 14.0


@style.styled
def figure(table: pd.DataFrame) -> Figure:
    """Boxes of |EF - true EF| by method, best mean first, and the effect of the orientation.

    table: one row per id and method with the columns id, study, rotated (bool: the copy turned by
    90 degrees), method, abs_ef_error (fraction). a: every study once, as its rotated copy if
    there is one. b: only studies with a copy, as that copy (white) and as acquired (filled).
    Diamonds are means.
    Raises ValueError if a column, every row or the name of a method is missing.
    """
    table = style.checked(table, COLUMNS, "method_errors")
    table = table.assign(error=100 * table["abs_ef_error"])
    evaluated = evaluated_rows(table)
    copies, plain = turned_rows(table)
    order = evaluated.groupby("method")["error"].mean().sort_values(kind="stable").index
    names = named_methods(order)
    place = ("error", "method", list(names))
    result = style.figure_mm(style.TWO_COLUMNS_MM, 24 + ROW_MM * len(names))
    left, right = result.subplots(1, 2, sharey=True, width_ratios=[1, 0.85])
    for look in dict.fromkeys(map(method_look, names)):
        alike = [method for method in names if method_look(method) == look]
        one = evaluated[evaluated["method"].isin(alike)]
        boxes(left, one, *place, look.colour, width=0.6, showmeans=True, showfliers=True)
        for shown, rows in (("copy", copies), ("acquired", plain)):
            one = rows[rows["method"].isin(alike)].assign(shown=shown)
            boxes(
                right,
                one,
                *place,
                look.colour,
                filled=shown == "acquired",
                showmeans=True,
                hue="shown",
                hue_order=["copy", "acquired"],
                dodge=True,
                width=0.72,
                gap=0.1,
            )
    for row, method in enumerate(names):
        every = evaluated.loc[evaluated["method"] == method, "error"].dropna()
        beyond = int((every > LARGEST_SHOWN).sum())
        _columns(left, row, [f"{every.mean():.1f}", f"{every.median():.1f}", str(beyond)])
        pair = [rows.loc[rows["method"] == method, "error"].dropna() for rows in (copies, plain)]
        if len(pair[0]):
            _columns(right, row, [f"{values.mean():.1f}" for values in pair], WIDE_PT)
    _columns(left, -0.8, ["mean", "median", f"n > {LARGEST_SHOWN:g}"], colour=style.PALE)
    _columns(right, -0.8, ["mean\ncopy", "mean\nacquired"], WIDE_PT, style.PALE)
    studies = evaluated["id"].nunique(), copies["id"].nunique()
    titles = f"All studies (n = {studies[0]:,})", f"Rotated studies (n = {studies[1]})"
    for axes, text, title, limit in zip(
        (left, right), "ab", titles, (LARGEST_SHOWN, LARGEST_SHOWN_TURNED), strict=True
    ):
        style.grid(axes, "x")
        style.letter(axes, text, TITLE_PAD_PT)
        axes.set_title(title, pad=TITLE_PAD_PT)
        axes.set_xlim(0, limit)
        axes.set_xlabel("Absolute error of EF (percentage points)")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    left.set_ylim(len(names) - 0.45, -0.6)
    left.set_yticks(range(len(names)), list(names.values()))
    looks = {kind: look for kind, look in KINDS.items() if look in map(method_look, names)}
    handles = [
        Patch(facecolor=look.colour + "30", edgecolor=look.colour, label=kind)
        for kind, look in looks.items()
    ]
    handles += [
        Patch(facecolor="white", edgecolor=style.PALE, label="b: rotated copy"),
        Patch(facecolor=style.PALE + "30", edgecolor=style.PALE, label="b: as acquired"),
    ]
    result.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return result


def _columns(
    axes: Axes,
    row: float,
    values: list[str],
    pitch_pt: float = NARROW_PT,
    colour: str = style.INK,
) -> None:
    """Numbers of a row, in columns to the right of the panel."""
    for place, value in enumerate(values):
        axes.annotate(
            value,
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(20 + pitch_pt * place, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=6.5,
            color=colour,
            annotation_clip=False,
        )
