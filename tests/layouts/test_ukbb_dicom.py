"""Zips of UK Biobank: each sequence has its cine, wherever and however its files lie."""

import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.study import import_shard as import_dicom_shard
from cmrseg.files import read_table
from cmrseg.layouts.ukbb_dicom import import_shard
from ukbb_zips import (
    COMPAT,
    CORRECTED,
    EVERYTHING,
    FRAMES,
    INTERVAL_MS,
    SLICES,
    image,
    imported,
    planes,
    rewritten,
    series,
    stored,
    told,
    write_subject,
    zip_of,
)

HERE = "1000001"
LONG, SHORT = f"{HERE}_20208_2_0.zip", f"{HERE}_20209_2_0.zip"
LPS_TO_RAS = np.array([-1, -1, 1])


@pytest.fixture
def raw(tmp_path):
    """All sequences of a subject, in a folder of the subject."""
    write_subject(tmp_path / "raw" / HERE, HERE)
    return tmp_path / "raw"


def corner_mm(plane):
    """Place (RAS) of the last pixel in the last row of a plane."""
    across = np.multiply(plane.row_direction, plane.column_spacing_mm * (plane.columns - 1))
    down = np.multiply(plane.column_direction, plane.row_spacing_mm * (plane.rows - 1))
    return (np.array(plane.position_mm) + across + down) * LPS_TO_RAS


@pytest.mark.parametrize("settings", [CORRECTED, COMPAT], ids=lambda s: s["mode"])
def test_every_sequence_is_where_it_was_acquired(raw, settings):
    audit = imported(raw, EVERYTHING, settings)
    assert audit.empty
    for sequence in EVERYTHING:
        cine, written, places = image(raw, sequence), stored(sequence), planes()[sequence]
        if sequence == "sa" and settings is CORRECTED:
            # Other imports have slices from the apex on; scanners number them from the base on.
            written, places = written[:, ::-1], places[::-1]
        assert cine.voxels.dtype == np.float32
        np.testing.assert_array_equal(cine.voxels, written)
        assert cine.frame_interval_s == pytest.approx(INTERVAL_MS / 1000)
        for z, plane in enumerate(places):
            last = cine.affine @ [plane.columns - 1, plane.rows - 1, z, 1]
            np.testing.assert_allclose(last[:3], corner_mm(plane), atol=1e-3)


def test_sources_name_the_image_of_each_slice_and_frame(raw):
    imported(raw, ["sa", "la_2ch"])
    folder = raw.parent / "images" / HERE
    sources = read_table(folder / "sources.tsv")
    assert len(sources) == SLICES * FRAMES
    with zipfile.ZipFile(raw / HERE / SHORT) as archive:
        names = {f"{SHORT}/{name}" for name in archive.namelist()}
    assert set(sources["file"]) == {name for name in names if name.endswith(".dcm")}
    assert (read_table(folder / "la_2ch.sources.tsv")["z"] == 0).all()


def test_headers_have_no_identifier_of_the_examination(raw):
    images = raw.parent / "images"
    images.mkdir()
    rows = pd.DataFrame({"subject": ["a"], "study": [HERE], "series": [""]})
    _, headers = import_shard(rows, raw, images, CORRECTED, ["ao"])
    assert len(headers) == FRAMES
    assert set(headers["PatientID"]) == {HERE}
    assert not {"StudyInstanceUID", "PatientName", "AcquisitionTime"} & set(headers.columns)


@pytest.mark.parametrize("place", ["cohort", "unpacked", "unpacked zip", "by series"])
def test_files_may_lie_elsewhere(raw, place):
    imported(raw, ["sa"])
    expected = image(raw)
    shutil.rmtree(raw.parent / "images")
    own = raw / HERE
    if place == "cohort":
        for path in own.iterdir():
            path.rename(raw / path.name)
        own.rmdir()
    elif place == "unpacked zip":
        shutil.unpack_archive(own / SHORT, own / SHORT.removesuffix(".zip"))
        (own / SHORT).unlink()
    else:
        shutil.unpack_archive(own / SHORT, own)
        for path in own.glob("*.zip"):
            path.unlink()
        if place == "by series":
            (own / "dicom/CINE").mkdir(parents=True)
            for path in own.glob("*.dcm"):
                path.rename(own / "dicom/CINE" / path.name)
    audit = imported(raw, ["sa"])
    assert audit.empty
    np.testing.assert_array_equal(image(raw).voxels, expected.voxels)
    np.testing.assert_array_equal(image(raw).affine, expected.affine)


def test_pictures_wider_than_high_keep_their_axes(tmp_path):
    raw = tmp_path / "raw"
    short = [replace(p, rows=p.columns, columns=p.rows) for p in planes()["sa"]]
    written, shown = [], []
    for n, plane in enumerate(short, 1):
        images = np.random.default_rng(n).integers(0, 900, (FRAMES, plane.rows, plane.columns))
        written += series(HERE, "sa", n, f"CINE_segmented_SAX_b{n}", plane=plane, images=images)
        shown.append(images)
    zip_of(raw / HERE, 20209, written)
    assert imported(raw).empty
    np.testing.assert_array_equal(image(raw).voxels, np.stack(shown[::-1], axis=1))


def test_a_short_axis_is_that_of_the_layout_folder(raw, tmp_path):
    imported(raw)
    rows = pd.DataFrame({"subject": ["x"], "study": [HERE], "series": [""]})
    folder = tmp_path / "folder"
    (folder / HERE).mkdir(parents=True)
    shutil.unpack_archive(raw / HERE / SHORT, folder / HERE)
    settings = {**CORRECTED, "layout": "folder"}
    import_dicom_shard(rows, folder, tmp_path / "images", settings)
    other = Cine.load(tmp_path / "images/x/sa.nii.gz")
    np.testing.assert_array_equal(image(raw).voxels, other.voxels)
    np.testing.assert_array_equal(image(raw).affine, other.affine)
    assert image(raw).frame_interval_s == other.frame_interval_s


# -- manifests -------------------------------------------------------------------------------------


def test_a_manifest_may_have_the_other_ending(raw):
    rewritten(raw / HERE / SHORT, lambda content: None, "manifest.cvs")
    assert imported(raw).empty
    assert image(raw).voxels.shape[:2] == (FRAMES, SLICES)


def test_without_a_manifest_headers_tell_the_series(raw):
    rewritten(raw / HERE / LONG, lambda content: content.pop("manifest.csv") and content)
    audit = imported(raw, ["sa", "la_2ch", "la_4ch"])
    assert told(audit) == [("manifest missing or unreadable", LONG)]
    assert audit["detail"].item() == f"{3 * FRAMES} files"
    np.testing.assert_array_equal(image(raw, "la_4ch").voxels, stored("la_4ch"))


def test_a_manifest_without_its_columns_is_none(raw):
    def broken(content):
        content["manifest.csv"] = content["manifest.csv"].replace(b"discription", b"number")

    rewritten(raw / HERE / SHORT, broken)
    audit = imported(raw)
    assert told(audit)[0] == ("manifest missing or unreadable", f"{SHORT}/manifest.csv")
    assert "its columns are not filename and series discription" in audit["detail"].iloc[0]
    assert image(raw).voxels.shape[:2] == (FRAMES, SLICES)


def test_a_damaged_manifest_is_none(raw):
    path = raw / HERE / SHORT
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("manifest.csv")
    content = bytearray(path.read_bytes())
    place = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    content[place] ^= 255
    path.write_bytes(content)
    audit = imported(raw)
    assert told(audit) == [("manifest missing or unreadable", f"{SHORT}/manifest.csv")]
    assert f"damaged in {SHORT}" in audit["detail"].item()
    np.testing.assert_array_equal(image(raw).voxels, stored("sa")[:, ::-1])


def test_malformed_lines_are_counted_and_lose_nothing(raw):
    def broken(content):
        lines = content["manifest.csv"].decode().splitlines()
        lines[3] += ",more"
        lines[5] = lines[5].split(",")[0]
        del lines[7]
        content["manifest.csv"] = "\n".join([*lines, "gone.dcm,1,1,flow,Jan 5, 2016,MR"]).encode()

    rewritten(raw / HERE / SHORT, broken)
    audit = imported(raw)
    assert told(audit) == [
        ("malformed lines of a manifest", f"{SHORT}/manifest.csv"),
        ("files not in the manifest", audit["image"].iloc[1]),
        ("files of the manifest are missing", SHORT),
    ]
    assert audit["detail"].tolist() == [
        "2 lines: 4, 6",
        f"3 of {SLICES * FRAMES} files of {SHORT}",
        f"1 of {SLICES * FRAMES - 2}, as gone.dcm",
    ]
    np.testing.assert_array_equal(image(raw).voxels, stored("sa")[:, ::-1])


# -- what is not there -----------------------------------------------------------------------------


def test_a_missing_sequence_is_named_and_others_are_kept(tmp_path):
    raw = tmp_path / "raw"
    write_subject(raw / HERE, HERE, ["sa", "la_4ch"])
    audit = imported(raw, ["sa", "la_2ch", "ao"])
    assert audit["image"].tolist() == ["la_2ch", "ao"]
    assert set(audit["resolution"]) == {"sequence excluded"}
    assert f"no series of la_2ch among {(SLICES + 1) * FRAMES} files" in audit["detail"].iloc[0]
    assert image(raw).voxels.shape[1] == SLICES


def test_a_damaged_zip_loses_its_own_sequences_alone(raw):
    (raw / HERE / LONG).write_bytes((raw / HERE / LONG).read_bytes()[:3000])
    audit = imported(raw, ["sa", "la_2ch"])
    assert told(audit) == [
        ("damaged zip file", LONG),
        ("sequence missing or unreadable", "la_2ch"),
    ]
    assert "zip file cannot be read" in audit["detail"].iloc[0]
    assert f"{LONG} cannot be read" in audit["detail"].iloc[1]
    np.testing.assert_array_equal(image(raw).voxels, stored("sa")[:, ::-1])


def test_a_subject_whose_zips_are_all_damaged_is_excluded(raw):
    for path in (raw / HERE).iterdir():
        path.write_bytes(b"none")
    audit = imported(raw, ["sa", "la_2ch"])
    assert audit["resolution"].tolist() == ["zip file ignored"] * 3 + ["subject excluded"]
    assert not (raw.parent / "images" / HERE).exists()


def broken_image(content):
    name = sorted(content)[0]
    content[name] = content[name][:400]


def test_a_damaged_image_excludes_its_sequence_or_as_published_repeats_the_one_before(raw):
    rewritten(raw / HERE / f"{HERE}_20210_2_0.zip", broken_image)
    audit = imported(raw, ["sa", "ao"])
    assert told(audit) == [("sequence missing or unreadable", "ao")]
    assert "unreadable file" in audit["detail"].item()
    shutil.rmtree(raw.parent / "images")
    audit = imported(raw, ["sa", "ao"], COMPAT)
    assert [problem for problem, _ in told(audit)] == ["unreadable frame", "missing frame"]
    assert len(image(raw, "ao").voxels) == FRAMES


def test_a_damaged_image_that_no_manifest_describes_is_in_the_audit(raw):
    def broken(content):
        del content["manifest.csv"]
        name = sorted(content)[0]
        content[name] = bytes(500)

    rewritten(raw / HERE / SHORT, broken)
    audit = imported(raw)
    assert [problem for problem, _ in told(audit)] == [
        "manifest missing or unreadable",
        "unreadable file of an unknown series",
        "missing frame",
    ]


def test_other_series_are_counted_and_free_text_is_not_quoted(raw):
    written = []
    for n, words in enumerate(["CINE_segmented_LVOT", "flow_250_tp_AoV_bh_ePAT@c_P", "Mr Smith"]):
        written += series(HERE, "ao", 90 + n, words)
    written += series(HERE, "ao", 95, "CINE_segmented_SAX")
    zip_of(raw / HERE, 20212, written)
    audit = imported(raw)
    assert set(audit["problem"]) == {"other series"}
    assert sorted(audit["detail"]) == [
        f"{FRAMES} files: CINE_segmented_SAX",
        f"{FRAMES} files: another series",
        f"{FRAMES} files: flow",
        f"{FRAMES} files: outflow tract cine",
    ]


def test_images_of_two_people_exclude_the_subject(raw):
    other = series(HERE, "ao", 1, "CINE_segmented_Ao_dist", PatientName="x")
    other = [(n, content.replace(HERE.encode() + b" ", b"1000002 "), d) for n, content, d in other]
    (raw / HERE / f"{HERE}_20210_2_0.zip").unlink()
    zip_of(raw / HERE, 20210, other)
    audit = imported(raw, ["sa", "ao"])
    assert audit["problem"].tolist() == ["two patients in one folder"]
    assert "PatientID is another one than in" in audit["detail"].item()
    assert not (raw.parent / "images" / HERE).exists()


def test_an_unforeseen_error_excludes_the_subject_and_names_no_folder(raw, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError(f"surprise in {raw}/{HERE}")

    monkeypatch.setattr("cmrseg.layouts.ukbb_dicom.find_files", fail)
    audit = imported(raw)
    assert audit["resolution"].tolist() == ["subject excluded"]
    assert audit["detail"].item() == f"ZeroDivisionError: surprise in {HERE}"


def test_an_unknown_mode_is_refused(raw):
    with pytest.raises(ValueError, match="mode is 'x', expected one of corrected, compat"):
        imported(raw, ["sa"], {**CORRECTED, "mode": "x"})


# -- where files are looked for --------------------------------------------------------------------


def test_another_visit_is_named_by_its_instance(raw):
    for path in list((raw / HERE).iterdir()):
        shutil.copy(path, path.with_name(path.name.replace("_2_0", "_3_0")))
    (raw / HERE / SHORT).write_bytes(b"none")
    assert imported(raw, ["sa"], series="3_0").empty
    assert image(raw).voxels.shape[1] == SLICES


def test_what_cannot_be_found_is_told(raw, tmp_path):
    def detail(**options):
        audit = imported(raw, ["sa"], **options)
        assert audit["resolution"].tolist() == ["subject excluded"]
        return audit["detail"].item()

    own = raw / HERE
    assert "neither a folder 2 nor 2_<field>_<instance>.zip" in detail(study="2")
    assert "neither a folder 2 nor" in detail(study="elsewhere/2")
    assert "series is 'x', expected an instance" in detail(series="x")
    told = "no file of instance 3_0; there are those of 2_0: name one"
    assert told in detail(series="3_0")
    (raw / "4").mkdir()
    (raw / "4/1.dcm").touch()
    assert "does not say of which instance its files are" in detail(study="4", series="2_0")
    (raw / "3").mkdir()
    assert "the folder 3 is empty" in detail(study="3")
    shutil.copy(own / SHORT, raw / SHORT)
    assert f"{SHORT} and a folder {HERE} are both there" in detail()
    (raw / SHORT).unlink()
    (own / SHORT.removesuffix(".zip")).mkdir()
    assert f"{SHORT} and the folder {HERE}_20209_2_0 are both there" in detail()
    (own / SHORT.removesuffix(".zip")).rmdir()
    shutil.copy(own / SHORT, own / "1000002_20209_2_0.zip")
    assert f"{HERE} has files of 2 people, 1000001 and 1000002" in detail()
