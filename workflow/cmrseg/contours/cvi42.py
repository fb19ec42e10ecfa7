"""Contours of cvi42 (Circle Cardiovascular Imaging), exported as XML: reading and writing.

A workspace (`.cvi42wsx`), alone or in a zip file. Below each element with the key ImageStates is an
element for each image, whose key is the image's SOPInstanceUID. The file also names the patient,
so messages quote nothing of it but names of contours that are known.
"""

import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

import numpy as np

from cmrseg.contours.qmass import in_picture
from cmrseg.contours.workspaces import SUFFIX
from cmrseg.files import check_plain, replacing
from cmrseg.labels import Tissue
from cmrseg.zips import check_size, checked_members

Kinds = dict[Tissue, tuple[str, ...]]
# The contours of each tissue, in the order in which they are painted: the wall is what the cavity
# leaves of the area inside the epicardium. An open contour is closed by a straight line.
SHORT_AXIS: Kinds = {
    Tissue.RV: ("sarvendocardialContour",),
    Tissue.MYO: ("saepicardialContour", "saepicardialOpenContour"),
    Tissue.LV: ("saendocardialContour", "saendocardialOpenContour"),
}
LONG_AXIS: Kinds = {
    Tissue.RA: ("laraContour",),
    Tissue.LA: ("lalaContour",),
}
NAMES = {name for kinds in (SHORT_AXIS, LONG_AXIS) for names in kinds.values() for name in names}

# A workspace of an examination has some ten megabytes.
MOST_BYTES = 2**28
# Pieces that the parser gets, in bytes.
PIECE = 2**20
# Steps of a coordinate in a pixel; a file says for each contour how many.
MOST_RESOLUTION = 1024
# The attribute with the name of an element, behind a prefix that need not be declared.
KEY = "key"
# What is written: the namespaces that files of the program declare.
NAMESPACE = "http://www.circlecvi.com/cvi42/Workspace/"
WRITTEN_RESOLUTION = 4

# Image -> contour -> (n, 2) x and y in pixels of the image.
Contours = dict[str, dict[str, np.ndarray]]


class Damaged(ValueError):
    """Something in a workspace cannot be read; the message names the file and, in XML, the line."""


def read_cvi42(source: str | Path | bytes) -> Contours:
    """The contours of each image: SOPInstanceUID -> name -> (n, 2) x (column), y (row) in pixels.

    source: a workspace, a zip file with one or several of them, or the text of one. Coordinates are
    those of the file divided by its SubpixelResolution: pixels of the image. Contours without
    points are left out. Contours that are not in NAMES, as measured lines, are empty where
    they cannot be read. Raises ValueError naming file, line and what is damaged; a file with a
    document type, as entities that fill the memory need one; a zip file without a workspace; two
    different contours of one name in an image.
    """
    if isinstance(source, bytes):
        return _Reader("workspace").read(source)
    check_plain(source)
    path = Path(source)
    if path.suffix.lower() != ".zip":
        check_size(path, path.stat().st_size, MOST_BYTES)
        return _Reader(path.name).read(path.read_bytes())
    found: Contours = {}
    for name, content in _workspaces(path).items():
        for image, contours in _Reader(f"{path.name}/{name}").read(content).items():
            for contour, xy in contours.items():
                _add(found, image, contour, xy, f"{path.name}/{name}")
    return found


def _workspaces(path: Path) -> dict[str, bytes]:
    """The workspaces in a zip file by their names."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            # macOS adds files of its own whose names begin with the two signs.
            members = {
                str(member): info
                for member, info in checked_members(Path(path.name), infos).items()
                if member.name.lower().endswith(SUFFIX) and not member.name.startswith("._")
            }
            check_size(path, sum(info.file_size for info in members.values()), MOST_BYTES)
            found = {name: archive.read(info) for name, info in sorted(members.items())}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Damaged(
            f"{path.name}: zip file is damaged; copy it again, or put the {SUFFIX} file beside it"
        ) from error
    if not found:
        raise Damaged(f"{path.name}: has no file *{SUFFIX}; export the workspace from cvi42 as XML")
    return found


def _add(found: Contours, image: str, contour: str, xy: np.ndarray, where: str) -> None:
    known = found.setdefault(image, {}).setdefault(contour, xy)
    if not np.array_equal(known, xy) and contour in NAMES:
        raise Damaged(
            f"{where}: a second {contour} of one image, and another one; export the workspace "
            "again, or remove one of the two"
        )


# What an element is: by its parent alone, or by its parent and its key.
STATES, IMAGE, CONTOURS, CONTOUR, POINTS, POINT, OTHER = range(7)
BELOW = {STATES: IMAGE, CONTOURS: CONTOUR, POINTS: POINT}
NAMED = {(IMAGE, "Contours"): CONTOURS, (CONTOUR, "Points"): POINTS}
# Tags of a point's coordinates, and the key of a contour's resolution.
COORDINATES = {"x": 0, "y": 1}
RESOLUTION = "SubpixelResolution"


class _Reader:
    """One pass through a workspace, whatever its size; nothing but contours is kept."""

    def __init__(self, name: str):
        self.name = name
        self.found: Contours = {}
        self.roles: list[int] = [OTHER]
        self.image = self.contour = ""
        self.points: list[list[str]] = []
        self.resolution = ""
        # Where the text of an element goes.
        self.text: list[str] | None = None
        # Without namespaces, so that a prefix need not be declared.
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._character

    def read(self, content: bytes) -> Contours:
        try:
            for begin in range(0, len(content), PIECE):
                self.parser.Parse(content[begin : begin + PIECE], False)
            self.parser.Parse(b"", True)
        except Damaged:
            raise
        except (expat.ExpatError, LookupError, ValueError) as error:
            # The last two of an encoding that is not known.
            raise self._error(
                f"no XML, or a part of it; export the workspace from cvi42 as *{SUFFIX} again"
            ) from error
        return self.found

    def _refuse(self, *_: object) -> None:
        raise self._error("a document type, which workspaces do not have; refused")

    def _error(self, what: str) -> "Damaged":
        return Damaged(f"{self.name}: line {self.parser.CurrentLineNumber}: {what}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        key = next((value for name, value in attributes.items() if _local(name) == KEY), "")
        parent = self.roles[-1]
        role = (
            STATES if key == "ImageStates" else BELOW.get(parent, NAMED.get((parent, key), OTHER))
        )
        self.roles.append(role)
        self.text = None
        if role in (IMAGE, CONTOUR) and not key:
            what = "an image" if role == IMAGE else "a contour"
            raise self._error(f"{what} without Hash:key; export the workspace again")
        if role == IMAGE:
            self.image = key
        elif role == CONTOUR:
            self.contour, self.points, self.resolution = key, [], ""
        elif role == POINT:
            self.points.append(["", ""])
        coordinate = parent == POINT and _local(tag) in COORDINATES
        if coordinate or (parent, key) == (CONTOUR, RESOLUTION):
            self.text = []

    def _character(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def _end(self, tag: str) -> None:
        role = self.roles.pop()
        text = None if self.text is None else "".join(self.text).strip()
        self.text = None
        if role == CONTOUR:
            self._finish()
        elif text is not None and self.roles[-1] == CONTOUR:
            self.resolution = text
        elif text is not None:
            self.points[-1][COORDINATES[_local(tag)]] = text

    def _finish(self) -> None:
        if not self.points:
            return
        try:
            xy = self._coordinates()
        except ValueError:
            if self.contour in NAMES:
                raise
            xy = np.zeros((0, 2))
        where = f"{self.name}: line {self.parser.CurrentLineNumber}"
        _add(self.found, self.image, self.contour, xy, where)

    def _coordinates(self) -> np.ndarray:
        resolution = int(self.resolution) if re.fullmatch(r"\d{1,4}", self.resolution) else 0
        if not 1 <= resolution <= MOST_RESOLUTION:
            raise self._error(
                f"SubpixelResolution of this {self.contour} is missing or wrong, expected a whole "
                f"number from 1 to {MOST_RESOLUTION}; export the workspace again"
            )
        try:
            xy = np.array(self.points, float) / resolution
            wrong = np.flatnonzero(~in_picture(xy))
        except ValueError:
            wrong = np.flatnonzero([not _is_point(point) for point in self.points])
        if len(wrong):
            raise self._error(
                f"point {wrong[0] + 1} of this {self.contour} is no x and y within an image; "
                "draw the contour again, or remove it"
            )
        return xy


def _local(name: str) -> str:
    """A tag or attribute without its prefix."""
    return name.rpartition(":")[2]


def _is_point(point: list[str]) -> bool:
    try:
        return bool(in_picture(np.array([point], float)).all())
    except ValueError:
        return False


def write_cvi42(contours: Mapping[str, Mapping[str, np.ndarray]], path: str | Path) -> None:
    """Write a workspace that `read_cvi42` reads, in a zip file where the path ends so.

    contours: as `read_cvi42` gives them. Coordinates are whole quarters of a pixel, as the
    program writes them. The workspace in `<id>_cvi42.zip` is `<id>_cvi42.cvi42wsx`; the same
    contours give the same bytes.
    """
    text = "\n".join(_lines(contours)) + "\n"
    with replacing(path) as temporary:
        if Path(path).suffix.lower() != ".zip":
            temporary.write_text(text, encoding="utf-8", newline="\n")
            return
        member = zipfile.ZipInfo(f"{Path(path).stem}{SUFFIX}")
        member.compress_type = zipfile.ZIP_DEFLATED
        member.external_attr = 0o644 << 16
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(member, text)


def _lines(contours: Mapping[str, Mapping[str, np.ndarray]]) -> list[str]:
    spaces = " ".join(f'xmlns:{p}="{NAMESPACE}{p}/"' for p in ("Hash", "List", "Point"))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<Hash:item Hash:key="Root" {spaces}>']
    lines += ['<Hash:item Hash:key="StudyMapStates">', "<List:item>"]
    lines += ['<Hash:item Hash:key="ImageStates">']
    for image, drawn in contours.items():
        lines += [f"<Hash:item Hash:key={quoteattr(image)}>", '<Hash:item Hash:key="Contours">']
        for name, xy in drawn.items():
            lines += [f"<Hash:item Hash:key={quoteattr(name)}>", '<Hash:item Hash:key="Points">']
            for x, y in np.rint(xy * WRITTEN_RESOLUTION).astype(int):
                point = f"<Point:x>{x}</Point:x><Point:y>{y}</Point:y>"
                lines.append(f"<List:item>{point}</List:item>")
            resolution = f'<Hash:item Hash:key="SubpixelResolution">{WRITTEN_RESOLUTION}'
            lines += ["</Hash:item>", f"{resolution}</Hash:item>", "</Hash:item>"]
        lines += ["</Hash:item>", "</Hash:item>"]
    return [*lines, "</Hash:item>", "</List:item>", "</Hash:item>", "</Hash:item>"]
