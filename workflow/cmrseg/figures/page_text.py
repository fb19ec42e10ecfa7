"""Text on a page of a report: its place in mm from the top left, its width, lines and tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.textpath import TextToPath

from cmrseg.figures.style import GRID, INK, MM_PER_INCH, STYLE

FONT = str(STYLE["font.family"])
MM_PER_POINT = MM_PER_INCH / 72
# Of a line of text, in parts of the size of its font.
LINE = 1.32


class Cell(NamedTuple):
    """Text in a table, and whether it stands out."""

    text: str
    strong: bool = False


class Column(NamedTuple):
    """A column of a table, and where it starts, in mm from the left of the page."""

    heading: str
    place_mm: float


def width_mm(text: str, size_pt: float, strong: bool = False) -> float:
    """How wide a line of text is."""
    font = FontProperties(family=FONT, size=size_pt, weight="bold" if strong else "normal")
    wide_pt, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(wide_pt) * MM_PER_POINT


def wrapped(text: str, size_pt: float, most_mm: float) -> list[str]:
    """Text in lines of at most this width; a single word may be wider."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_mm(longer, size_pt) <= most_mm:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def absent_glyphs(text: str) -> str:
    """The characters of a text that the font does not have."""
    known = get_font(findfont(FontProperties(family=FONT))).get_charmap()
    return "".join(dict.fromkeys(c for c in text if ord(c) not in known and not c.isspace()))


def spread_columns(
    columns: Sequence[tuple[str, Sequence[Cell]]], size_pt: float, left_mm: float, right_mm: float
) -> list[Column]:
    """Columns with equal gaps between left and right. columns: their headings and cells."""
    wide = [
        max(width_mm(cell.text, size_pt, cell.strong) for cell in (Cell(heading, True), *cells))
        for heading, cells in columns
    ]
    gap = (right_mm - left_mm - sum(wide)) / max(len(wide) - 1, 1)
    starts = [left_mm + sum(wide[:i]) + i * gap for i in range(len(wide))]
    return [Column(heading, start) for (heading, _), start in zip(columns, starts, strict=True)]


class Page:
    """A page whose parts are placed in mm from its left and its top."""

    def __init__(self, width_mm: float, height_mm: float):
        self.width_mm, self.height_mm = width_mm, height_mm
        self.figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH))

    def axes(self, left_mm: float, top_mm: float, width_mm: float, height_mm: float) -> Any:
        """Axes whose top left corner is there."""
        w, h = self.width_mm, self.height_mm
        bottom = 1 - (top_mm + height_mm) / h
        return self.figure.add_axes((left_mm / w, bottom, width_mm / w, height_mm / h))

    def text(self, left_mm: float, top_mm: float, text: str, size_pt: float, **how: Any) -> None:
        """A line whose upper left corner is there; nothing in it is read as a formula."""
        place = left_mm / self.width_mm, 1 - top_mm / self.height_mm
        options = {"va": "top", "fontsize": size_pt, "parse_math": False, **how}
        self.figure.text(*place, text, **options)

    def paragraph(
        self, left_mm: float, top_mm: float, text: str, size_pt: float, most_mm: float, **how: Any
    ) -> float:
        """Lines of at most this width; returns where the next paragraph may start."""
        for line in wrapped(text, size_pt, most_mm):
            self.text(left_mm, top_mm, line, size_pt, **how)
            top_mm += size_pt * MM_PER_POINT * LINE
        return top_mm

    def rule(self, left_mm: float, right_mm: float, top_mm: float, colour: str = GRID) -> None:
        """A horizontal line."""
        w, level = self.width_mm, 1 - top_mm / self.height_mm
        line = Line2D([left_mm / w, right_mm / w], [level, level], color=colour, linewidth=0.6)
        self.figure.add_artist(line)

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        top_mm: float,
        size_pt: float,
        edges_mm: tuple[float, float],
    ) -> float:
        """A table with a line below its headings and each row; returns where it ends."""
        step = size_pt * MM_PER_POINT * 1.75
        named = [Cell(column.heading, True) for column in columns]
        for cells in [named, *rows]:
            for column, cell in zip(columns, cells, strict=True):
                self.text(
                    column.place_mm,
                    top_mm,
                    cell.text,
                    size_pt,
                    weight="bold" if cell.strong else "normal",
                )
            is_heading = cells is named
            self.rule(*edges_mm, top_mm + 0.78 * step, INK if is_heading else GRID)
            top_mm += step
        return top_mm
