"""The first page of the report: what a study did, its main numbers, and some figures."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from cmrseg.labels import SHORT_NAMES, Tissue

# Splits of which numbers are shown, the first that a table has.
SPLITS = ("test", "out_of_fold", "validate", "all")
TISSUES = {short: short.upper() for short in SHORT_NAMES.values()} | {
    SHORT_NAMES[Tissue.MYO]: "myocardium"
}
# Columns of volumes: measure of a summary, name on the page, factor to its unit, unit.
VOLUMES = (
    ("edv_difference_ml", "EDV", 1, "ml"),
    ("esv_difference_ml", "ESV", 1, "ml"),
    ("ef_difference", "EF", 100, "points"),
)
# Of figures on the page; they are in full size among the figures.
WIDTH_PX = 1200
# The last two lines: the report shows it in a narrow column, which it centres beyond the screen.
STYLE = """<style>
.headlines { font-family: sans-serif; }
.headlines table { border-collapse: collapse; margin: 0.5em 0 1em; font-size: 0.9em; }
.headlines th, .headlines td { padding: 0.2em 0.8em 0.2em 0; text-align: left; }
.headlines td { vertical-align: top; }
.headlines th { border-bottom: 1px solid #888; }
.headlines figure { margin: 1.5em 0; max-width: 56em; }
.headlines img { width: 100%; }
.headlines figcaption { font-size: 0.85em; }
.items-center:has(.headlines) { align-items: flex-start; }
.prose:has(.headlines) { max-width: 60em; }
</style>"""


class Evaluated(NamedTuple):
    """A labeller on a cohort. summaries: tables of its evaluation, by label maps or points, and by
    known volumes, whose volumes are taken before others.
    """

    labeller: str
    cohort: str
    summaries: Sequence[pd.DataFrame]


class Picture(NamedTuple):
    """A figure of the study: its name in words, and the bytes of its PNG."""

    name: str
    png: bytes


def headlines(
    study: str,
    facts: Mapping[str, Sequence[str]],
    evaluated: Sequence[Evaluated],
    pictures: Sequence[Picture],
) -> str:
    """A page of HTML; the same facts give the same text.

    facts: heading -> sentences of what the study did.
    """
    parts = [f"<h1>Results of {escape(study)}</h1>"]
    if rows := [row for entry in evaluated for row in _rows(entry)]:
        parts += ["<h2>Agreement with the reference</h2>", _table(rows)]
        parts.append(
            "<p>Means over subjects; of volumes the mean difference, and 95 % limits of agreement "
            "in brackets. Subjects are those named in the third column.</p>"
        )
    for picture in pictures:
        # In short lines, as the report refuses long ones.
        source = base64.encodebytes(_smaller(picture.png)).decode("ascii")
        parts.append(
            f'<figure><img alt="{escape(picture.name)}" src="data:image/png;base64,{source}">'
            f"<figcaption>{escape(picture.name)}</figcaption></figure>"
        )
    for heading, sentences in facts.items():
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
        parts.append(f"<h2>{escape(heading)}</h2><ul>{items}</ul>")
    body = "\n".join(parts)
    head = f'<!doctype html>\n<meta charset="utf-8">\n<title>{escape(study)}</title>'
    return f'{head}\n{STYLE}\n<div class="headlines">\n{body}\n</div>\n'


def _smaller(png: bytes) -> bytes:
    """A PNG of at most WIDTH_PX columns."""
    with Image.open(BytesIO(png)) as image:
        if image.width <= WIDTH_PX:
            return png
        rows = round(image.height * WIDTH_PX / image.width)
        small = image.convert("RGB").resize((WIDTH_PX, rows), Image.Resampling.LANCZOS)
    result = BytesIO()
    small.save(result, "PNG", optimize=True)
    return result.getvalue()


def _rows(entry: Evaluated) -> Iterable[dict[str, str]]:
    """The row of an evaluation; none where no split of SPLITS has subjects."""
    tables = [table[table["level"] == "subject"] for table in entry.summaries]
    splits = [split for split in SPLITS if any((t["split"] == split).any() for t in tables)]
    if not splits:
        return
    # (measure, tissue) -> row; a later table counts before an earlier one.
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for table in tables:
        for row in table[table["split"] == splits[0]].to_dict("records"):
            found[row["measure"], row["tissue"]] = row
    counts = [row["n"] for row in found.values()]
    yield {
        "Labeller": entry.labeller,
        "Cohort": entry.cohort,
        "Subjects": f"{max(counts, default=0):.0f} ({splits[0].replace('_', ' ')})",
        "Dice": ", ".join(
            f"{TISSUES.get(tissue, tissue)} {row['mean']:.2f}"
            for (measure, tissue), row in found.items()
            if measure == "dice" and row["mean"] == row["mean"]
        ),
        **{
            name: _difference(found, measure, factor, unit)
            for measure, name, factor, unit in VOLUMES
        },
        "Landmarks": _distance(found),
    }


def _difference(
    found: Mapping[tuple[str, str], Mapping[str, Any]], measure: str, factor: float, unit: str
) -> str:
    row = found.get((measure, "lv"))
    if row is None or row["mean"] != row["mean"]:
        return ""
    text = f"{factor * row['mean']:+.1f} {unit}"
    if row["lower"] == row["lower"]:
        text += f" ({factor * row['lower']:+.1f} to {factor * row['upper']:+.1f})"
    return text.replace("-", "−")


def _distance(found: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    row = found.get(("error_mm", "ring"))
    return "" if row is None or row["mean"] != row["mean"] else f"{row['mean']:.1f} mm"


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """A table without columns that are empty in all rows."""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(row[name])}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"
