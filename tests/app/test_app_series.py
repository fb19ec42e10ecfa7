"""The app: DICOM files of several series, the list of these, and the choice among them."""

import json
import logging
import math
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

from app_server import (
    Visitor,
    nifti,
    served,
)
from cmrseg.phantom.pacs.variant import Variant
from exports import small_export, zipped

KINDS = ("cine", "4ch", "lge")
KEPT = ["cine.npy", "image.u8", "kept"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Zips of exports by name; each is made once."""
    done: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in done:
            changes = {
                "one cine": {},
                "second cine": {"second_cine": True},
                "two examinations": {"second_examination": True},
                "a series for each slice": {"cine_as": "slices"},
                "no cine": {"kinds": ("4ch", "lge")},
                "cine alone": {"kinds": ("cine",)},
            }[name]
            folder = tmp_path_factory.mktemp("export") / "export"
            small_export(folder, Variant(**{"kinds": KINDS, "copies": 0} | changes))
            done[name] = zipped(folder)
        return done[name]

    return make


def listed(visitor) -> list[dict]:
    status, answer = visitor.talk("GET", "/series")
    assert status == 200
    return answer["rows"]


def choose(visitor, *names) -> dict:
    """State after a choice, or the answer that refuses it."""
    status, answer = visitor.talk("POST", "/series", {"series": list(names)})
    return visitor.settled() if status == 202 else answer


def files(app) -> list[str]:
    (session,) = app[1].all()
    return sorted(path.name for path in session.folder.iterdir())


def pixels(visitor) -> bytes:
    return visitor.ask("GET", f"{visitor.base}/voxels/image")[1]


def test_the_cine_of_an_export_is_found_and_the_page_lists_all_series(app, visitor, made):
    state = visitor.upload(made("one cine"))
    assert state["fault"] == ""
    assert state["image"]["shape"] == [8, 5, 48, 40]
    assert state["image"]["series"] == "#2"
    assert state["image"]["notes"] == []
    told = [
        (row["name"], row["description"], row["planes"], row["plane"]) for row in listed(visitor)
    ]
    assert told == [
        ("#1", "trufi_cine_retro_4ch", 1, "long-axis orientation"),
        ("#2", "trufi_cine_retro_sax", 5, "short-axis orientation"),
        ("#3", "tfl_ir_lge_sax_MAG", 5, "short-axis orientation"),
    ]
    assert [(row["frames"], row["images"], row["chosen"]) for row in listed(visitor)] == [
        *((8, 8, False), (8, 40, True), (1, 5, False))
    ]
    assert [row["reason"] for row in listed(visitor)] == [
        *("does not lie across the heart", "", "single images, no cine")
    ]
    assert [(row["examination"], row["first"]) for row in listed(visitor)] == 3 * [(0, "")]


def test_of_a_whole_export_the_cine_is_shown_and_all_that_was_left_out_is_told(root, tmp_path):
    small_export(tmp_path / "export", "siemens")
    with served(root, most_bytes=30_000_000) as (port, _):
        visitor = Visitor(port)
        visitor.open()
        state = visitor.upload(zipped(tmp_path / "export"))
        assert (state["fault"], state["image"]["shape"]) == ("", [8, 5, 48, 40])
        assert set(state["image"]["notes"]) >= {
            "Not a DICOM file: file ignored (5 times)",
            "Not a greyscale MR image: file ignored (2 times)",
            "Duplicate file: file ignored (6 times)",
        }
        rows = listed(visitor)
        assert [row["name"] for row in rows if row["chosen"]] == ["#5"]
        assert [row["name"] for row in rows if row["reason"]] == [
            *("#1", "#2", "#3", "#4", "#6", "#7", "#8.1", "#8.2", "#9", "#10")
        ]


def test_other_series_replace_the_images_and_the_first_ones_come_back(app, visitor, network, made):
    first = visitor.upload(made("one cine"))
    cine = pixels(visitor)
    assert visitor.label(visitor.model, in_plane_mm=3, between_mm=8)["fault"] == ""
    state = choose(visitor, "#1")
    assert (state["fault"], state["result"]) == ("", None)
    assert state["image"]["shape"] == [8, 1, 48, 40]
    assert state["image"]["series"] == "#1"
    assert len({first["image"]["number"], state["image"]["number"]}) == 2
    assert [row["reason"] for row in listed(visitor)] == [
        *("", "not requested", "single images, no cine")
    ]
    assert visitor.label(visitor.model, in_plane_mm=3, between_mm=8)["fault"] == ""
    table = visitor.ask("GET", f"{visitor.base}/download/measures")[1].decode("utf-8-sig")
    assert "\nseries,#1," in table
    assert choose(visitor, "#2")["image"]["series"] == "#2"
    assert pixels(visitor) == cine


@pytest.mark.parametrize("name", ["second cine", "two examinations", "no cine"])
def test_what_is_unclear_is_asked_in_words_of_the_page_with_the_list(app, visitor, made, name):
    state = visitor.upload(made(name))
    question = {
        "second cine": "Several series could be the short-axis cine; choose one from the list.",
        "two examinations": "The files come from two examinations, and both may contain the "
        "short-axis cine; choose a series from the list.",
        "no cine": "No series looks like a short-axis cine; choose one from the list if you know "
        "that it is.",
    }[name]
    assert state["fault"] == question
    assert (state["image"], files(app)) == (None, ["kept"])
    rows = listed(visitor)
    assert not any(row["chosen"] for row in rows)
    likely = [row["name"] for row in rows if not row["reason"]]
    assert (
        likely
        == {
            "second cine": ["#2", "#3"],
            "two examinations": ["#2.1", "#2.2"],
            "no cine": [],
        }[name]
    )
    one = (likely or ["#1"])[-1]
    state = choose(visitor, one)
    assert (state["fault"], state["image"]["series"]) == ("", one)


def test_series_of_two_examinations_are_told_apart_and_not_mixed(visitor, made):
    visitor.upload(made("two examinations"))
    rows = listed(visitor)
    assert [row["examination"] for row in rows] == 3 * [1] + 3 * [2]
    assert [row["number"] for row in rows] == 2 * [1, 2, 3]
    with zipfile.ZipFile(made("two examinations")) as archive:
        studies = {}
        for row in rows:
            with archive.open(f"export/{row['first'].removeprefix('export/')}") as file:
                studies[row["name"]] = pydicom.dcmread(file).StudyInstanceUID
    assert studies["#2.1"] == studies["#1.1"] != studies["#2.2"] == studies["#3.2"]
    assert choose(visitor, "#2.1", "#2.2")["fault"] == (
        "These series come from two examinations; choose series of one examination."
    )
    images = {name: choose(visitor, name) and pixels(visitor) for name in ("#2.1", "#2.2")}
    assert len(set(images.values())) == 2


def test_a_stack_of_one_series_for_each_slice_is_chosen_together(visitor, made):
    state = visitor.upload(made("a series for each slice"))
    assert state["fault"] == ""
    assert state["image"]["shape"] == [8, 5, 48, 40]
    used = [row["name"] for row in listed(visitor) if row["chosen"]]
    assert len(used) == 5
    whole = np.frombuffer(pixels(visitor), np.uint8).reshape(8, 5, 48, 40)
    state = choose(visitor, *used[:3])
    assert (state["fault"], state["image"]["shape"]) == ("", [8, 3, 48, 40])
    assert state["image"]["series"] == ", ".join(used[:3])
    assert choose(visitor, *reversed(used))["image"]["shape"] == [8, 5, 48, 40]
    assert (np.frombuffer(pixels(visitor), np.uint8).reshape(whole.shape) == whole).all()


def test_files_are_kept_while_there_is_a_choice_and_deleted_with_it(app, visitor, made, tmp_path):
    visitor.upload(made("one cine"))
    assert files(app) == KEPT
    (session,) = app[1].all()
    kept = [path for path in (session.folder / "kept").rglob("*") if path.is_file()]
    # The zip itself is not kept.
    assert len(kept) == 8 + 40 + 5
    # What cannot be read leaves the images and their list.
    (tmp_path / "noise.nii").write_bytes(b"no image")
    assert "not a readable NIfTI" in visitor.upload(tmp_path / "noise.nii")["fault"]
    assert (len(listed(visitor)), files(app)) == (3, KEPT)
    # Other images: of a file, of an unclear export, of a lone series, and a sample.
    for other, rows in ((made("second cine"), 4), (made("cine alone"), None)):
        visitor.upload(made("one cine"))
        state = visitor.upload(other)
        assert (state["series"] is None) == (rows is None)
        assert rows is None or len(listed(visitor)) == rows
        assert files(app) == (KEPT if rows else KEPT[:2])
    for again in (
        lambda: visitor.upload(nifti(tmp_path)),
        lambda: visitor.talk("POST", "/sample", {"sample": "mouse"}) and visitor.settled(),
    ):
        visitor.upload(made("one cine"))
        assert again()["series"] is None
        assert files(app) == KEPT[:2]
        assert visitor.talk("GET", "/series")[0] == 404
    visitor.upload(made("one cine"))
    visitor.talk("POST", "/close", {})
    assert not session.folder.exists()


def test_kept_files_end_with_a_page_that_nobody_uses(root, made):
    with served(root, idle_s=3600) as (port, sessions):
        visitor = Visitor(port)
        visitor.open()
        visitor.upload(made("one cine"))
        (session,) = sessions.all()
        session.used -= 3601
        sessions.sweep()
        assert not session.folder.exists()


def test_a_choice_that_is_none_is_refused(app, visitor, made):
    gone = "The files have been deleted; choose the file again."
    assert visitor.talk("POST", "/series", {"series": ["#2"]}) == (409, {"fault": gone})
    visitor.upload(made("one cine"))
    for names, status in (
        *(([], 400), ("#2", 400), (None, 400), ({"#2": 1}, 400)),
        *((["#9"], 404), ([2], 404), ([["#2"]], 404), (["!#2"], 404), (["#2,#3"], 404)),
    ):
        answered, answer = visitor.talk("POST", "/series", {"series": names})
        assert (answered, bool(answer["fault"])) == (status, True), names
    other = Visitor(app[0])
    other.open()
    assert other.ask("GET", f"{visitor.base}/series")[0] == 404
    assert other.ask("POST", f"{visitor.base}/series", {"series": ["#2"]})[0] == 404


def test_a_description_is_for_the_page_alone(visitor, tmp_path, caplog):
    folder = tmp_path / "named"
    small_export(folder, Variant(kinds=KINDS, copies=0, second_cine=True))
    long = "Zephyrine Quicksilver <b>&" + "x" * 80
    for path in folder.rglob("*"):
        if path.is_file():
            data = pydicom.dcmread(path)
            data.SeriesDescription = long[:64]
            data.save_as(path)
    with caplog.at_level(logging.DEBUG):
        state = visitor.upload(zipped(folder, "named.zip"))
    assert "Zephyrine" not in json.dumps(state)
    assert {row["description"] for row in listed(visitor)} == {long[:64]}
    assert "Zephyrine" not in caplog.text


def test_a_cine_whose_trigger_time_is_0_in_all_files_imports_without_a_heart_rate(
    visitor, network, tmp_path
):
    folder = tmp_path / "still"
    small_export(folder, "cine alone")
    for path in folder.rglob("*"):
        if path.is_file():
            data = pydicom.dcmread(path)
            data.TriggerTime = 0
            data.save_as(path)
    state = visitor.upload(zipped(folder))
    assert state["fault"] == ""
    assert state["image"]["interval_s"] is None
    assert state["image"]["shape"][0] == 8
    assert visitor.label(visitor.model, in_plane_mm=3, between_mm=8)["fault"] == ""
    _, content = visitor.talk("GET", "/measures")
    keys = {row["key"] for row in content["rows"]}
    assert not keys & {"heart_rate_bpm", "co_l_min"}
    assert all(math.isfinite(row["value"]) for row in content["rows"])
