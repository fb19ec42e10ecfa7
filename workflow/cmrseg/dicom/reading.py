"""Open DICOM files in any supported container and read their frames."""

import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Protocol

import pydicom

from cmrseg.dicom.audit import UNREADABLE, SubjectError
from cmrseg.dicom.contents import DICM, check_deflated, ungzipped, without_preamble
from cmrseg.dicom.enhanced import frames_of_object, is_object_of_frames
from cmrseg.dicom.header_table import header_row
from cmrseg.dicom.headers import Frame, frame_of, origin_of, plain_frame, whole_of
from cmrseg.dicom.kinds import OTHER_NAME, NotDicomError, check_image, check_kind
from cmrseg.dicom.pixels import picture
from cmrseg.dicom.plain import Plain, plain_file

logger = logging.getLogger(__name__)


class Place(Protocol):
    """Where a file lies: on the disk, or in an archive."""

    def read_bytes(self) -> bytes: ...


def read_file(path: Place, name: str, lenient: bool = False) -> list[Frame]:
    """Open one DICOM file, once, for its frames; `open_file` and `read_frames` in one."""
    with quiet():
        return read_frames(open_file(path, name, lenient)[0], name, lenient)


def open_file(
    path: Place, name: str, lenient: bool = False
) -> tuple[Plain | pydicom.Dataset, dict[str, object]]:
    """Read one DICOM file, and its row of the headers table (`header_row`).

    A file of the usual form is `Plain`, which is the fast way to the same row and frames. To be
    called within `quiet`, as `read_frames`.

    name: how messages and tables call it, relative to the study's folder. lenient: read files that
    are packed with gzip or lack the preamble, too, and leave out what is no grey MR image.
    Raises NotDicomError where the file is no DICOM file or holds no image by its kind, and
    SubjectError (UNREADABLE) naming the file where it is damaged.
    """
    content = path.read_bytes()
    if lenient:
        content = ungzipped(content, name)
    if not any(content):
        if lenient and OTHER_NAME.fullmatch(name.rpartition("/")[2]):
            raise NotDicomError("empty, and not named like a DICOM file")
        # Left by an interrupted copy: no bytes, or zeros.
        raise SubjectError(UNREADABLE, name, "empty or all zeros; copy the file again")
    if content[128:132] != DICM:
        if not lenient:
            raise NotDicomError("no DICOM preamble")
        data = without_preamble(content)
        return data, header_row(data)
    with _Naming(name):
        check_deflated(content, name)
        plain = plain_file(content)
        if plain is not None:
            if lenient:
                check_kind(plain)
            return plain, plain.header_row()
        data = _read_whole(content, name) if lenient else pydicom.dcmread(BytesIO(content))
        # Looking at a value changes of which kind pydicom says that it is.
        row = header_row(data)
        check_kind(data) if lenient else check_image(data)
        return data, row


def _read_whole(content: bytes, name: str) -> pydicom.Dataset:
    """All of a file; where it is damaged, its header still tells whether it matters."""
    try:
        return pydicom.dcmread(BytesIO(content))
    except Exception as error:
        told = _told(error, name)
        try:
            head = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
        except Exception:  # not even that
            raise told from None
        check_kind(head)
        raise _from(told, head) from None


def read_frames(data: Plain | pydicom.Dataset, name: str, lenient: bool = False) -> list[Frame]:
    """The frames of an opened file: one, but for objects of many frames.

    lenient: as in `open_file`; pixels of PixelPaddingValue are 0, and objects with functional
    groups (Enhanced MR) are read. Raises SubjectError (UNREADABLE, MISSING_TAG) naming file and
    tag where it is damaged, with the series that it belongs to.
    """
    with _Naming(name):
        if isinstance(data, Plain):
            frame = plain_frame(data, name, lenient)
            if frame is not None:
                return [frame]
            # Not plain, or damaged: pydicom reads it or reports the error.
            data = pydicom.dcmread(BytesIO(data.content))
        try:
            if lenient and is_object_of_frames(data):
                return frames_of_object(data, name)
            return [frame_of(data, name, picture(data, name, lenient))]
        except Exception as error:
            raise _from(_told(error, name), data) from None


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of pydicom, which may quote the value of any field, a name among them.

    To be entered by who reads files: once for all of them, as it takes longer than a file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Naming:
    """Whatever a damaged file raises becomes a SubjectError that names the file."""

    def __init__(self, name: str):
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, NotDicomError | SubjectError):
            raise _told(error, self.name) from None


def _told(error: Exception, name: str) -> SubjectError:
    """An error as one that names the file; its own text may quote any field, a name among them.

    The log tells where it was raised, and no more.
    """
    if isinstance(error, SubjectError):
        return error
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.info("%s: %s raised\n%s", name, type(error).__name__, where)
    return SubjectError(
        UNREADABLE, name, f"{type(error).__name__}: not readable; copy the file again"
    )


def _from(error: SubjectError, data: pydicom.Dataset) -> SubjectError:
    """The error with the series that the header names, so that a caller can leave it out."""
    try:
        error.origin, error.series_number = origin_of(data), whole_of(data, "SeriesNumber")
    except Exception:  # a header that damaged tells nothing
        logger.info("%s: the header does not tell the series", error.image)
    return error
