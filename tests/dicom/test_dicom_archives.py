"""Files of a study as they lie: in folders, in zip files, packed, or without a preamble."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.kinds import NotDicomError
from cmrseg.dicom.layout import folder_files, natural
from cmrseg.dicom.reading import open_file, read_file
from cmrseg.dicom.study import import_study
from cmrseg.dicom.zipped import place_of
from dicom_builder import write_series, write_study
from dicom_studies import FOLDER, expected_voxels, found

FOLDER_COMPAT = {**FOLDER, "mode": "compat"}


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "raw/7"
    write_study(folder)
    return folder


def zipped(archive, folder, names, remove=True):
    """Move files of a folder into a zip file, with their names relative to it."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in names:
            opened.write(folder / name, name)
            if remove:
                (folder / name).unlink()


def files_of(folder, part=""):
    return sorted(p.relative_to(folder).as_posix() for p in (folder / part).rglob("*.dcm"))


def is_true_cine(imported):
    return np.array_equal(imported.cine.voxels, expected_voxels())


def test_a_whole_study_in_a_zip_file_is_the_study(study):
    names = files_of(study)
    zipped(study / "export.ZIP", study, names)
    for k in range(5, 9):
        (study / f"sax_{k}").rmdir()
    imported = import_study(study, "7", FOLDER)
    assert is_true_cine(imported)
    assert imported.audit.empty
    assert imported.sources["file"].iloc[0] == "export.ZIP/sax_5/IM-0005-0001.dcm"
    assert imported.headers["dir"].unique().tolist()[0] == "export.ZIP/sax_5"
    assert sorted(p.name for p in study.iterdir()) == ["export.ZIP"]


def test_zip_files_beside_folders_hold_the_rest_of_the_study(study):
    zipped(study / "sax_5/a.zip", study / "sax_5", ["IM-0005-0001.dcm", "IM-0005-0002.dcm"])
    zipped(study / "b.zip", study, files_of(study, "sax_7"))
    (study / "sax_7").rmdir()
    imported = import_study(study, "7", FOLDER)
    assert is_true_cine(imported)
    assert imported.audit.empty


def test_a_zip_file_is_chosen_as_a_folder_of_its_name_is(study):
    other = write_series(study / "other", 20, location_mm=100)
    zipped(study / "other.zip", study, [p.relative_to(study).as_posix() for p in other])
    (study / "other").rmdir()
    assert list(folder_files(study, "!sax_5,sax_6,sax_7,sax_8", zips=True)) == ["other.zip/other"]
    assert "other.zip/other" not in folder_files(study, "!other.zip", zips=True)


def test_names_of_a_zip_file_are_members_or_files_as_they_lie(study):
    zipped(study / "b.zip", study, ["sax_5/IM-0005-0001.dcm"], remove=False)
    (study / "c.zip").mkdir()
    (study / "c.zip/d.dcm").write_bytes(b"d")
    member = place_of(study, "b.zip/sax_5/IM-0005-0001.dcm")
    assert member.read_bytes() == (study / "sax_5/IM-0005-0001.dcm").read_bytes()
    assert place_of(study, "c.zip/d.dcm").read_bytes() == b"d"
    assert "c.zip/d.dcm" in folder_files(study, zips=True)["c.zip"]


def test_as_published_a_zip_file_is_a_stray(study):
    zipped(study / "b.zip", study, files_of(study), remove=False)
    assert ("not a DICOM file", "b.zip") in found(import_study(study, "7", FOLDER_COMPAT))


def test_zip_files_within_zip_files_are_audited_and_not_opened(study):
    inner = io.BytesIO()
    zipfile.ZipFile(inner, "w").writestr("a.dcm", b"x")
    with zipfile.ZipFile(study / "b.zip", "w") as opened:
        opened.writestr("inner.zip", inner.getvalue())
        opened.writestr("notes.txt", "hello")
    imported = import_study(study, "7", FOLDER)
    assert is_true_cine(imported)
    assert [row for row in found(imported) if row[0] == "not a DICOM file"] == [
        ("not a DICOM file", "b.zip/inner.zip"),
        ("not a DICOM file", "b.zip/notes.txt"),
    ]


def test_an_empty_zip_file_is_an_empty_folder(study):
    zipfile.ZipFile(study / "b.zip", "w").close()
    assert found(import_study(study, "7", FOLDER)) == [("empty folder", "b.zip")]


@pytest.mark.parametrize(
    ("name", "why"), [("../out.dcm", "leads out of its folder"), ("/a.dcm", "an absolute path")]
)
def test_zip_files_that_are_not_safe_end_the_import_by_name(study, name, why):
    with zipfile.ZipFile(study / "b.zip", "w") as opened:
        opened.writestr(name, b"x")
    with pytest.raises(SubjectError, match=f"b.zip: unreadable file: zip file .*{why}.*remove it"):
        import_study(study, "7", FOLDER)


def test_a_zip_bomb_ends_the_import_by_name(study):
    with zipfile.ZipFile(study / "b.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros", bytes(2**22))
    with pytest.raises(SubjectError, match=r"b.zip: .*more than 200 times as much"):
        import_study(study, "7", FOLDER)


@pytest.mark.parametrize("kept", [0, 0.3, 0.9])
def test_a_zip_file_that_is_cut_short_ends_the_import_by_name(study, kept):
    zipped(study / "b.zip", study, files_of(study, "sax_5"))
    content = (study / "b.zip").read_bytes()
    (study / "b.zip").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(SubjectError, match=r"b.zip: unreadable file: .*unpack or remove it"):
        import_study(study, "7", FOLDER)


def test_a_damaged_member_ends_the_import_by_name(study):
    zipped(study / "b.zip", study, files_of(study, "sax_5"))
    content = bytearray((study / "b.zip").read_bytes())
    content[300:320] = bytes(20)
    (study / "b.zip").write_bytes(content)
    with pytest.raises(SubjectError, match=r"b.zip/sax_5/IM-0005-0001.dcm: .*damaged in b.zip"):
        import_study(study, "7", FOLDER)


def test_files_that_are_packed_one_by_one_are_read(study):
    for path in (study / "sax_6").iterdir():
        packed = gzip.compress(path.read_bytes())
        path.with_name(f"{path.name}.gz").write_bytes(packed)
        path.unlink()
    imported = import_study(study, "7", FOLDER)
    assert is_true_cine(imported)
    assert imported.audit.empty


def test_what_is_packed_and_no_dicom_file_is_a_stray(study):
    (study / "notes.nii.gz").write_bytes(gzip.compress(bytes(2**20)))
    imported = import_study(study, "7", FOLDER)
    assert found(imported) == [("not a DICOM file", "notes.nii.gz")]
    assert imported.audit["detail"][0] == "gzip file without a DICOM file"


def test_packed_files_that_are_damaged_or_grow_too_much_end_the_import_by_name(study):
    path = study / "sax_6/IM-0006-0002.dcm"
    good = path.read_bytes()
    packed = gzip.compress(good)
    for content, why in (
        (packed[:-40], "gzip file is truncated"),
        (packed[: len(packed) // 2] + bytes(9) + packed[len(packed) // 2 :], "damaged gzip file"),
        (gzip.compress(good + bytes(2**24)), "gzip file unpacks to"),
    ):
        path.write_bytes(content)
        with pytest.raises(SubjectError, match=f"IM-0006-0002.dcm: .*{why}"):
            import_study(study, "7", FOLDER)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("meta", [False, True])
def test_files_without_preamble_are_read(study, implicit, meta):
    for path in (study / "sax_6").iterdir():
        data = pydicom.dcmread(path)
        if meta:
            path.write_bytes(path.read_bytes()[132:])
        else:
            del data.file_meta
            data.preamble = None
            pydicom.dcmwrite(path, data, implicit_vr=implicit, little_endian=True)
        assert path.read_bytes()[128:132] != b"DICM"
    imported = import_study(study, "7", FOLDER)
    assert is_true_cine(imported)
    assert imported.audit.empty


def test_as_published_files_without_preamble_are_strays(study):
    path = study / "sax_6/IM-0006-0003.dcm"
    path.write_bytes(path.read_bytes()[132:])
    with pytest.raises(NotDicomError, match="no DICOM preamble"):
        open_file(path, "a.dcm")
    assert read_file(path, "a.dcm", lenient=True)[0].instance_number == 3


@pytest.mark.parametrize("absent", ["SOPClassUID", "Rows", "Columns", "PixelData"])
def test_without_a_preamble_an_image_has_to_be_whole(study, absent):
    path = study / "sax_6/IM-0006-0003.dcm"
    data = pydicom.dcmread(path)
    del data.file_meta, data[absent]
    data.preamble = None
    pydicom.dcmwrite(path, data, implicit_vr=True, little_endian=True)
    with pytest.raises(NotDicomError, match="no DICOM preamble"):
        open_file(path, "a.dcm", lenient=True)


@pytest.mark.parametrize("end", [-2, -100])
def test_without_a_preamble_a_file_that_is_cut_short_is_none(study, end):
    path = study / "sax_6/IM-0006-0003.dcm"
    path.write_bytes(path.read_bytes()[132:end])
    with pytest.raises(NotDicomError, match="no DICOM preamble"):
        open_file(path, "a.dcm", lenient=True)


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_image_whatever_it_begins_with(tmp_path, seed):
    rng = np.random.default_rng(seed)
    for start in (b"\x08\0\x05\0", b"\x02\0\0\0UL\x04\0", b"\x08\0\x16\0UI", b"\x1f\x8b"):
        (tmp_path / "a").write_bytes(start + rng.bytes(2000))
        with pytest.raises((NotDicomError, SubjectError)):
            open_file(tmp_path / "a", "a", lenient=True)


def test_a_file_that_another_program_packed_is_read():
    path = Path(get_testdata_file("zipMR.gz"))
    (frame,) = read_file(path, path.name, lenient=True)
    plain = pydicom.dcmread(get_testdata_file("MR_small.dcm")).pixel_array
    assert frame.pixels.tolist() == plain.tolist()


def test_files_are_listed_with_their_folder_in_natural_order_and_without_folders(tmp_path):
    for name in ("a10.dcm", "a9.dcm", "b/c.dcm", "b/d/e.dcm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.dcm").symlink_to(tmp_path / "a9.dcm")
    listed = {"": ["a9.dcm", "a10.dcm", "link.dcm"], "b": ["b/c.dcm"], "b/d": ["b/d/e.dcm"]}
    assert folder_files(tmp_path) == listed
    assert natural("a9") < natural("a10")
