"""A figure as a PDF of one page, in the style of all figures."""

import io

import matplotlib
from matplotlib.figure import Figure

from cmrseg.figures.style import PNG_DPI, SETTINGS
from cmrseg.version import VERSION

# TrueType: text can be searched and copied, and other programs edit it.
FONT_TYPE = 42


def pdf_of(figure: Figure, title: str) -> bytes:
    """The figure as a PDF: the same figure gives the same bytes on every day and run.

    title: in the file's metadata, which have no date, name of a person or of this machine.
    """
    metadata = {"Title": title, "Creator": f"cmrseg {VERSION}", "CreationDate": None}
    page = io.BytesIO()
    with matplotlib.rc_context(SETTINGS | {"pdf.fonttype": FONT_TYPE}):
        figure.savefig(page, format="pdf", dpi=PNG_DPI, metadata=metadata)
    return page.getvalue()
