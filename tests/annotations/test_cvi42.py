"""Workspaces of cvi42: the XML, its zip files, and what is refused by file and line."""

import zipfile
from itertools import pairwise

import numpy as np
import pytest

from cmrseg.contours.cvi42 import MOST_BYTES, NAMES, read_cvi42, write_cvi42
from workspaces import DECLARED, contour, image, states, workspace

ENDO, EPI, RV = "saendocardialContour", "saepicardialContour", "sarvendocardialContour"
UID = "1.2.840.1"
POINTS = "40 20,48 20,48 30"


def read(*inside, **options):
    return read_cvi42(workspace(*inside, **options))


def plain(contours):
    return {u: {n: xy.tolist() for n, xy in found.items()} for u, found in contours.items()}


@pytest.mark.parametrize("spaces", [DECLARED, ""], ids=["declared", "not declared"])
def test_prefixes_need_not_be_declared(spaces):
    found = read(states(image(UID, contour(ENDO, POINTS))), spaces=spaces)
    assert plain(found) == {UID: {ENDO: [[10, 5], [12, 5], [12, 7.5]]}}


def test_other_prefixes_and_none_are_read_alike():
    text = workspace(states(image(UID, contour(ENDO, POINTS))), spaces="").decode()
    expected = plain(read_cvi42(text.encode()))
    for hash_, point in (("h:", "p:"), ("", "")):
        other = text.replace("Hash:", hash_).replace("List:", "").replace("Point:", point)
        assert plain(read_cvi42(other.encode())) == expected


@pytest.mark.parametrize(
    ("resolution", "expected"), [("1", [40, 20]), ("2", [20, 10]), (" 4\n", [10, 5])]
)
def test_coordinates_are_pixels_whatever_their_resolution(resolution, expected):
    found = read(states(image(UID, contour(ENDO, POINTS, resolution))))
    assert found[UID][ENDO][0].tolist() == expected


def test_each_contour_has_its_own_resolution():
    drawn = contour(ENDO, POINTS, "4"), contour(EPI, POINTS, "2"), contour(RV, "1.5 3,2 3", "1")
    found = plain(read(states(image(UID, *drawn))))[UID]
    assert [found[name][0] for name in (ENDO, EPI, RV)] == [[10, 5], [20, 10], [1.5, 3]]


def test_images_are_found_at_any_depth_and_in_several_states():
    deep = states(image(UID, contour(ENDO, POINTS)))
    for _ in range(200):
        deep = f"<List:item>{deep}</List:item>"
    study = states(image("1.2.840.2", contour(EPI, POINTS)), image("1.2.840.3"))
    assert plain(read(deep, study)).keys() == {UID, "1.2.840.2"}


def test_contours_elsewhere_than_in_the_states_of_images_are_not_read():
    other = image(UID, contour(ENDO, POINTS)).replace("Contours", "Undo")
    below = f'<Hash:item Hash:key="Contours">{contour(ENDO, POINTS)}</Hash:item>'
    assert read(states(other), below, image(UID, contour(ENDO, POINTS))) == {}


def test_the_same_contour_twice_counts_once():
    twice = states(image(UID, contour(ENDO, POINTS)))
    assert plain(read(twice, twice)) == plain(read(twice))


def test_two_contours_of_one_name_that_differ_are_refused():
    second = states(image(UID, contour(ENDO, "0 0,4 0,4 4")))
    with pytest.raises(ValueError, match=f"line 1: a second {ENDO} of one image, and another"):
        read(states(image(UID, contour(ENDO, POINTS))), second)


def test_contours_without_points_are_none():
    bare = f'<Hash:item Hash:key="{EPI}"></Hash:item>'
    assert read(states(image(UID, contour(ENDO, ""), bare))) == {}


@pytest.mark.parametrize("resolution", [None, "", "0", "-4", "1.5", "four", "2000", "9" * 50])
def test_a_resolution_that_is_missing_or_wrong_is_refused(resolution):
    message = f"workspace: line 1: SubpixelResolution of this {ENDO} is missing or wrong, expected"
    with pytest.raises(ValueError, match=message):
        read(states(image(UID, contour(ENDO, POINTS, resolution))))


@pytest.mark.parametrize("x", ["", "Doe", "nan", "inf", "1e300", "200000", "-1e9", "1,5"])
def test_a_point_that_is_none_is_refused_and_not_quoted(x):
    drawn = contour(ENDO, POINTS).replace("<Point:x>48<", f"<Point:x>{x}<", 1)
    with pytest.raises(ValueError, match=f"line 1: point 2 of this {ENDO} is no x and y") as found:
        read(states(image(UID, drawn)))
    assert "Doe" not in str(found.value)


@pytest.mark.parametrize("lost", ["<Point:x>48</Point:x>", "<Point:y>20</Point:y>"])
def test_a_point_without_one_of_its_numbers_is_refused(lost):
    with pytest.raises(ValueError, match=f"of this {ENDO} is no x and y within an image; draw"):
        read(states(image(UID, contour(ENDO, POINTS).replace(lost, "", 1))))


def test_the_line_of_what_is_damaged_is_told():
    text = workspace(states(image(UID, contour(ENDO, POINTS, "0")))).replace(b"><", b">\n<")
    line = 1 + text[: text.index(b">0</Hash")].count(b"\n")
    with pytest.raises(ValueError, match=rf"workspace: line {line + 1}: SubpixelResolution"):
        read_cvi42(text)


def test_what_other_contours_hold_stops_nobody():
    line = contour("laxLvExtentPoints", "1 nan", None)
    found = read(states(image(UID, line, contour("sapapilMuscContour0001", POINTS))))
    assert found[UID]["laxLvExtentPoints"].shape == (0, 2)
    assert len(found[UID]["sapapilMuscContour0001"]) == 3


@pytest.mark.parametrize(
    ("role", "key"),
    [("an image", f' Hash:key="{UID}"'), ("a contour", f' Hash:key="{ENDO}"')],
)
def test_images_and_contours_need_their_key(role, key):
    drawn = states(image(UID, contour(ENDO, POINTS))).replace(key, "", 1)
    with pytest.raises(ValueError, match=f"line 1: {role} without Hash:key; export the workspace"):
        read(drawn)


# -- what is no workspace --------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1\2 binary workspace",
        b"PK\3\4",
        workspace(states(image(UID, contour(ENDO, POINTS))))[:-30],
        b'<?xml version="1.0" encoding="gb2312"?><a>\xe4</a>',
        b'<?xml version="1.0" encoding="nobody"?><a>\xe4</a>',
        b"<a>&undeclared;</a>",
    ],
)
def test_what_is_no_xml_is_refused(tmp_path, content):
    path = tmp_path / "7.cvi42wsx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"7.cvi42wsx: line \d+: no XML, or a part of it; export"):
        read_cvi42(path)


BOMB = '<!DOCTYPE z [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghi")
)
OUTSIDE = '<!DOCTYPE z [<!ENTITY i SYSTEM "file:///etc/hostname">'


@pytest.mark.parametrize("head", [BOMB + "]>", OUTSIDE + "]>", '<!DOCTYPE z SYSTEM "z.dtd">'])
def test_entities_and_document_types_are_refused(head):
    drawn = states(image(UID, contour(ENDO, POINTS).replace(">48<", ">&i;<", 1)))
    with pytest.raises(ValueError, match="workspace: line 1: a document type, which workspaces"):
        read(drawn, head=head)


def test_a_file_beyond_all_sizes_is_refused_unread(tmp_path):
    path = tmp_path / "7.cvi42wsx"
    with open(path, "wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ValueError, match=r"7.cvi42wsx: holds .*, at most .* are expected; refused"):
        read_cvi42(path)


def test_a_folder_is_no_workspace(tmp_path):
    with pytest.raises(ValueError, match="is a folder, a pipe or a device, expected a file"):
        read_cvi42(tmp_path)


# -- zip files -------------------------------------------------------------------------------


def zipped(folder, **members):
    path = folder / "7_cvi42.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return path


def test_a_zip_file_may_hold_several_workspaces(tmp_path):
    first = workspace(states(image(UID, contour(ENDO, POINTS))))
    second = workspace(states(image(UID, contour(EPI, POINTS)), image("2.3", contour(RV, POINTS))))
    path = zipped(tmp_path, a__cvi42wsx=first, b__CVI42WSX=second, readme__txt="no contours")
    found = read_cvi42(path)
    assert {uid: list(names) for uid, names in found.items()} == {UID: [ENDO, EPI], "2.3": [RV]}


def test_workspaces_that_contradict_each_other_are_refused(tmp_path):
    first = workspace(states(image(UID, contour(ENDO, POINTS))))
    second = workspace(states(image(UID, contour(ENDO, "0 0,4 0,4 4"))))
    path = zipped(tmp_path, a__cvi42wsx=first, b__cvi42wsx=second)
    with pytest.raises(ValueError, match=f"7_cvi42.zip/b.cvi42wsx: a second {ENDO} of one image"):
        read_cvi42(path)


def test_a_zip_file_without_a_workspace_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"7_cvi42.zip: has no file \*.cvi42wsx; export the"):
        read_cvi42(zipped(tmp_path, manifest__csv="a,b"))


def test_a_damaged_zip_file_is_refused(tmp_path):
    path = zipped(tmp_path, a__cvi42wsx=workspace(states(image(UID, contour(ENDO, POINTS)))))
    content = path.read_bytes()
    for damaged in (content[:100], content[:60] + b"\xff" * 20 + content[80:], b"no zip"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"7_cvi42.zip: zip file is damaged; copy it"):
            read_cvi42(path)


def test_a_zip_bomb_is_refused(tmp_path):
    path = zipped(tmp_path, a__cvi42wsx=b" " * 10_000_000)
    with pytest.raises(ValueError, match=r"would become .*, more than 200 times as much; refused"):
        read_cvi42(path)


def test_names_that_lead_out_of_a_zip_file_are_refused(tmp_path):
    path = tmp_path / "7_cvi42.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../7.cvi42wsx", workspace())
    with pytest.raises(ValueError, match=r"7_cvi42.zip: member '../7.cvi42wsx' leads out of its"):
        read_cvi42(path)


# -- writing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["7_cvi42.zip", "7.cvi42wsx"])
def test_what_is_written_is_read_again(tmp_path, name):
    contours = {
        UID: {ENDO: np.array([[1.25, 2], [3.5, 2.75], [-1, 8]])},
        'a"&<b': {n: np.array([[10.0, 20], [30, 40]]) for n in sorted(NAMES)},
    }
    write_cvi42(contours, tmp_path / name)
    assert plain(read_cvi42(tmp_path / name)) == plain(contours)


def test_points_are_written_in_quarters_of_a_pixel_and_to_the_same_bytes(tmp_path):
    contours = {UID: {ENDO: np.array([[1.3, 2.1], [3.4, 2.7]])}}
    written = []
    for name in ("a", "b"):
        write_cvi42(contours, tmp_path / name / "7_cvi42.zip")
        written.append((tmp_path / name / "7_cvi42.zip").read_bytes())
    assert written[0] == written[1]
    assert read_cvi42(tmp_path / "a/7_cvi42.zip")[UID][ENDO].tolist() == [[1.25, 2], [3.5, 2.75]]
    with zipfile.ZipFile(tmp_path / "a/7_cvi42.zip") as archive:
        assert archive.namelist() == ["7_cvi42.cvi42wsx"]
