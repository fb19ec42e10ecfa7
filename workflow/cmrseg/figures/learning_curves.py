"""Learning curves: loss and Dice during training, one line per model."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from cmrseg.figures import style
from cmrseg.labels import REGIONS

COLUMNS = ("model", "epoch", "phase", "train_loss", "valid_loss")
# Maximum number of panels for Dice: the first regions of the models, such as LV and myocardium, but
# oedema and scar where these are learnt, as they are the harder ones.
MOST_REGIONS = 2
BEFORE_OTHERS = ("edema", "scar")
LABELS = {"epoch": "Epoch", "images": "Training images seen"}


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = (), x: str = "epoch") -> Figure:
    """Training and validation loss, and validation Dice of LV and myocardium, or oedema and scar.

    table: columns model, epoch (continuous over both phases), phase, train_loss, valid_loss, and
    dice_lv, dice_my, or those of the regions that the models segment; a model of another task
    only has a loss. order: all models of the study, for their colours.
    x: column of the horizontal axis, "epoch" or "images" (images seen so far).
    The start of a model's second phase is marked by a dot on its lines.
    Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, (*COLUMNS, x), "learning_curves")
    looks = style.looks(table["model"], order)
    result = style.figure_mm(style.TWO_COLUMNS_MM, 64)
    order_of_regions = dict.fromkeys([*BEFORE_OTHERS, *REGIONS])
    regions = [key for key in order_of_regions if f"dice_{key}" in table][:MOST_REGIONS]
    loss, *panels = result.subplots(1, 1 + len(regions), sharex=True, squeeze=False)[0]
    for name, look in looks.items():
        history = table[table["model"] == name].sort_values(["epoch"])
        _line(loss, history, x, "train_loss", look, linestyle=(0, (2, 1.2)))
        _line(loss, history, x, "valid_loss", look)
        for axes, region in zip(panels, regions, strict=True):
            if history[f"dice_{region}"].notna().any():
                _line(axes, history, x, f"dice_{region}", look)
    names = (REGIONS[region].name for region in regions)
    titles = ["Loss", *(name[0].upper() + name[1:] for name in names)]
    for axes, text, title in zip((loss, *panels), "abc", titles, strict=False):
        style.grid(axes)
        style.letter(axes, text)
        axes.set_title(title)
        axes.set_xlabel(LABELS.get(x, x))
        axes.margins(x=0.03)
    loss.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    if float(table[["train_loss", "valid_loss"]].min(axis=None)) > 0:
        loss.set_yscale("log")
        loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        loss.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        loss.yaxis.set_minor_formatter(NullFormatter())
    loss.set_ylabel("Loss")
    for axes in panels:
        axes.set_ylabel("Dice (validation)")
        axes.set_ylim(None, 1)
    kinds = [
        Line2D([], [], color=style.PALE, linestyle=(0, (2, 1.2)), label="training"),
        Line2D([], [], color=style.PALE, label="validation"),
    ]
    loss.legend(handles=kinds, loc="upper right")
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, markersize=3, label=name)
        for name, look in looks.items()
    ]
    rows = style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    result.set_figheight((60 + 4 * rows) / style.MM_PER_INCH)
    return result


def _line(
    axes: Axes, history: pd.DataFrame, x: str, column: str, look: style.Look, linestyle="-"
) -> None:
    history = history[history[column].notna()]  # not every epoch of a subset is validated
    axes.plot(history[x], history[column], color=look.colour, linestyle=linestyle, linewidth=1.1)
    first = history["phase"] != history["phase"].shift()
    start = history[first].iloc[1:]
    axes.plot(start[x], start[column], look.marker, color=look.colour, markersize=3.6)
    end = history.iloc[-1:]
    if linestyle == "-" and len(history) == 1:
        axes.plot(end[x], end[column], look.marker, color=look.colour, markersize=3.6)
