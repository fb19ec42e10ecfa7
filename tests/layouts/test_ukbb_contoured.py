"""Of repeated series of UK Biobank the one with contours of cvi42 counts, if a study says so."""

import pytest

from cmrseg.contours.workspaces import image_of
from ukbb_zips import COMPAT, CORRECTED, image, imported, pictures, planes, series, told, zip_of
from workspaces import contour, corners, states, workspace
from workspaces import image as drawn_on

HERE = "1000001"
AO = "CINE_segmented_Ao_dist"
BOTH = pytest.mark.parametrize("settings", [CORRECTED, COMPAT], ids=lambda s: s["mode"])


def again(number, uid):
    """The aortic cine acquired once more, brighter by its number. uid: of the series."""
    images = pictures("ao", 0, planes()["ao"][0]) + 1000 * number
    return series(HERE, "ao", number, AO, images=images, SeriesInstanceUID=uid)


@pytest.fixture
def acquired(tmp_path):
    """Raw folder, folder of contours, and three acquisitions; the second is never the last."""
    raw, contours = tmp_path / "raw", tmp_path / "contours"
    (raw / HERE).mkdir(parents=True)
    contours.mkdir()
    three = [again(1, "2.25.9"), again(2, "2.25.8"), again(3, "2.25.70")]
    zip_of(raw / HERE, 20210, [file for files in three for file in files])
    return raw, contours, three


def kept(raw, contours, settings):
    """By which acquisition the image was made, and the audit."""
    audit = imported(raw, ["ao"], settings, contours=contours, annotation="reader_7")
    return image(raw, "ao").voxels.mean() // 1000, audit


def write(contours, *files, kind="laraContour"):
    """A workspace with a contour on the first image of each acquisition."""
    square = contour(kind, corners(2, 2, 8, 8))
    images = [drawn_on(image_of(written[0][0]), square) for written in files]
    (contours / "reader_7.cvi42wsx").write_bytes(workspace(states(*images)))


@BOTH
def test_the_contoured_series_counts_though_it_is_not_the_last(acquired, settings):
    raw, contours, three = acquired
    write(contours, three[1])
    number, audit = kept(raw, contours, settings)
    assert number == 2
    assert [problem for problem, _ in told(audit)] == ["repeated series"] * 2
    assert all("without contours; kept: " in detail for detail in audit["detail"])


@BOTH
def test_of_two_contoured_series_the_usual_choice_is_made(acquired, settings):
    raw, contours, three = acquired
    write(contours, three[0], three[1])
    # By time the second is later; by the text of the identifier the first is last.
    assert kept(raw, contours, settings)[0] == (2 if settings is CORRECTED else 1)


@pytest.mark.parametrize("kind", [None, "FreeText"])
def test_without_contours_that_are_used_the_usual_choice_is_made(acquired, kind):
    raw, contours, three = acquired
    if kind:
        write(contours, three[1], kind=kind)
    assert kept(raw, contours, CORRECTED)[0] == 3


def test_a_damaged_workspace_is_audited_and_not_used(acquired):
    raw, contours, _ = acquired
    (contours / "reader_7.cvi42wsx").write_bytes(b"<cut")
    number, audit = kept(raw, contours, CORRECTED)
    assert number == 3
    (row,) = audit[audit["problem"] == "unreadable contours"].to_dict("records")
    assert "reader_7.cvi42wsx: line 1: no XML" in row["detail"]


def test_two_workspaces_of_a_subject_exclude_it(acquired):
    raw, contours, three = acquired
    write(contours, three[1])
    (contours / "reader_7_cvi42.cvi42wsx").write_bytes(b"")
    audit = imported(raw, ["ao"], contours=contours, annotation="reader_7")
    assert "both exist; keep one of them" in audit["detail"].item()
