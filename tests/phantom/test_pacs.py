"""The export of a PACS, made by the digital heart: files, names, UIDs, the cine's truth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.fileset import FileSet

from cmrseg.labels import Tissue
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.pacs.export import write_export
from cmrseg.phantom.pacs.variant import DIRECTORY, KINDS, TEXT, Variant
from cmrseg.phantom.pacs.vendors import PERFUSION
from exports import ROW, SMALL, VARIANTS, read, small_export, values

# Elements that no two images of a real examination lack.
NEEDED = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
    "Modality", "ImageType", "SeriesDescription", "SeriesNumber", "AcquisitionNumber",
    "InstanceNumber", "AcquisitionTime", "ContentTime", "EchoTime", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "PatientID", "StudyDate",
)  # fmt: skip
CINE_ALONE = {"kinds": ("cine",), "copies": 0}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, write_export(folder, ROW, SMALL)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def cine_files(export, examination=1, kind="cine"):
    files = export.files[(export.files["kind"] == kind) & (export.files["copy_of"] == "")]
    return files[files["examination"] == examination]


# -- files -----------------------------------------------------------------------------------


def test_the_manifest_names_the_files_that_are_there(whole):
    folder, export = whole
    assert sorted(tree(folder)) == sorted(export.files["file"])
    assert set(export.files["kind"]) == {*KINDS, "t1 source"}
    assert (export.files["not_cine"] == "").equals(export.files["kind"] == "cine")


def test_the_same_row_and_seed_give_the_same_bytes(whole, tmp_path):
    folder, _ = whole
    small_export(tmp_path)
    assert tree(tmp_path) == tree(folder)


def test_another_seed_gives_other_names_and_uids_of_the_same_pictures(whole, tmp_path):
    _, export = whole
    other = small_export(tmp_path, seed=1)
    dicom = ~other.files["kind"].isin([DIRECTORY, TEXT])
    for column in ("file", "series_uid", "instance_uid"):
        assert not set(export.files[column][dicom]) & set(other.files[column][dicom]), column
    np.testing.assert_array_equal(other.truth.cine.voxels, export.truth.cine.voxels)


def test_copies_are_equal_bit_for_bit_and_uids_are_unique_but_for_them(whole):
    folder, export = whole
    copies = export.files[export.files["copy_of"] != ""]
    assert len(copies) == 6
    assert "cine" in set(copies["kind"])
    for row in copies.itertuples():
        assert "(1)" in row.file
        assert (folder / row.file).read_bytes() == (folder / row.copy_of).read_bytes()
    first = export.files[(export.files["copy_of"] == "") & (export.files["instance_uid"] != "")]
    assert first["instance_uid"].is_unique
    contents = list(tree(folder).values())
    assert len(contents) - len(set(contents)) == len(copies)


def test_names_tell_neither_series_nor_order(whole):
    _, export = whole
    images = export.files[(export.files["copy_of"] == "") & (export.files["instance_uid"] != "")]
    folders = images["file"].str.rpartition("/")[0]
    assert images.groupby(folders)["series_uid"].nunique().min() > 5
    names = images["file"].str.rpartition("/")[2]
    assert 0.3 < names.str.contains(".", regex=False).mean() < 0.7
    assert 0.3 < names.str.startswith("IM").mean() < 0.7
    cine = images[images["kind"] == "cine"].sort_values("file")
    assert not cine["frame"].is_monotonic_increasing


def test_the_index_lists_every_object_at_its_path(whole):
    folder, export = whole
    instances = list(FileSet(folder / "DICOMDIR"))
    listed = {Path(i.path).relative_to(folder).as_posix(): i.SOPInstanceUID for i in instances}
    files = export.files[(export.files["copy_of"] == "") & (export.files["instance_uid"] != "")]
    assert listed == dict(zip(files["file"], files["instance_uid"], strict=True))


@pytest.mark.parametrize("vendor", ["siemens", "philips", "ge"])
def test_headers_have_what_those_of_scanners_have(tmp_path, vendor):
    kinds = tuple(kind for kind in KINDS if kind != PERFUSION)
    export = small_export(tmp_path, Variant(vendor, kinds=kinds))
    uids = set()
    for row in export.files.itertuples():
        if not row.instance_uid:
            continue
        data = read(tmp_path / row.file)
        assert data.SOPInstanceUID == data.file_meta.MediaStorageSOPInstanceUID == row.instance_uid
        assert data.SOPClassUID == data.file_meta.MediaStorageSOPClassUID
        assert (data.SeriesInstanceUID, data.SeriesNumber) == (row.series_uid, row.series_number)
        assert data.SeriesDescription == row.description
        uids.add((data.StudyInstanceUID, data.get("FrameOfReferenceUID")))
        if row.kind in ("report", "presentation state", "private object"):
            assert "PixelData" not in data
            assert "ImagePositionPatient" not in data
        elif row.kind == "screenshot":
            assert data.pixel_array.shape == (4 * SMALL.rows, 4 * SMALL.columns, 3)
            assert "ImagePositionPatient" not in data
        else:
            assert [name for name in NEEDED if data.get(name) in (None, "")] == []
    assert len({study for study, _ in uids}) == 1
    assert len({frame for _, frame in uids} - {None}) == 1


# -- the cine --------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["siemens", "philips", "ge"])
@pytest.mark.parametrize("cine_as", ["stack", "slices", "phases"])
def test_the_cine_s_files_are_the_true_cine(tmp_path, vendor, cine_as):
    export = small_export(tmp_path, Variant(vendor=vendor, cine_as=cine_as, **CINE_ALONE))
    truth = export.truth.cine
    assert truth.voxels.shape == (SMALL.frames, SMALL.slice_count, SMALL.rows, SMALL.columns)
    files = cine_files(export)
    assert len(files) == SMALL.frames * SMALL.slice_count
    assert not files.duplicated(["slice", "frame"]).any()
    for row in files.itertuples():
        data = read(tmp_path / row.file)
        np.testing.assert_allclose(values(data), truth.voxels[row.frame, row.slice], atol=1e-3)
        x, y, z, _ = truth.affine @ (0, 0, row.slice, 1)
        np.testing.assert_allclose(data.ImagePositionPatient, (-x, -y, z), atol=1e-6)
        assert data.TriggerTime == pytest.approx(
            1000 * row.frame * truth.frame_interval_s, abs=0.01
        )
    number = {"stack": 1, "slices": SMALL.slice_count, "phases": SMALL.frames}[cine_as]
    assert files["series_uid"].nunique() == files["series_number"].nunique() == number
    assert truth.spacing_mm == pytest.approx((16.0, 6.5, 6.5))
    assert truth.frame_interval_s == pytest.approx(60 / ROW["heart_rate_bpm"] / SMALL.frames)


def test_slices_lie_along_the_normal_and_are_acquired_from_the_base(tmp_path):
    export = small_export(tmp_path, "cine alone")
    affine = export.truth.cine.affine
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    # The affine is of RAS, a handed coordinate system as LPS is.
    assert normal @ affine[:3, 2] > 0
    files = cine_files(export).set_index("file")
    first = next(f for f in files.index if read(tmp_path / f).InstanceNumber == 1)
    assert files.loc[first, "slice"] == SMALL.slice_count - 1
    assert (export.truth.labels[0, 0] == Tissue.LV).sum() < (
        export.truth.labels[0, 2] == Tissue.LV
    ).sum()


def test_labels_have_the_volumes_of_the_row(tmp_path):
    fine = Protocol("1.5T", 8, 96, 80, 3.0, 4.0, 4.0)
    export = write_export(tmp_path, ROW, fine, VARIANTS["cine alone"])
    voxel_ml = np.prod(export.truth.cine.spacing_mm) / 1000
    volumes = (export.truth.labels == Tissue.LV).sum(axis=(1, 2, 3)) * voxel_ml
    assert (export.edv_ml, export.esv_ml) == (ROW["edv_ml"], ROW["esv_ml"])
    assert volumes.argmax() == 0
    assert volumes.max() == pytest.approx(export.edv_ml, rel=0.03)
    assert volumes.min() == pytest.approx(export.esv_ml, rel=0.03)


def test_an_enhanced_object_holds_all_slices_and_frames(tmp_path):
    export = small_export(tmp_path, Variant("philips", "object", **CINE_ALONE))
    (row,) = cine_files(export).itertuples()
    data = read(tmp_path / row.file)
    assert data.NumberOfFrames == SMALL.frames * SMALL.slice_count
    assert "ImagePositionPatient" not in data
    assert "PixelSpacing" not in data
    pictures, truth = values(data), export.truth.cine
    shared = data.SharedFunctionalGroupsSequence[0]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [6.5, 6.5]
    for picture, group in zip(pictures, data.PerFrameFunctionalGroupsSequence, strict=True):
        content = group.FrameContentSequence[0]
        z, t = content.InStackPositionNumber - 1, content.TemporalPositionIndex - 1
        np.testing.assert_allclose(picture, truth.voxels[t, z], atol=1e-3)
        delay_ms = group.CardiacSynchronizationSequence[0].NominalCardiacTriggerDelayTime
        assert delay_ms == pytest.approx(1000 * t * truth.frame_interval_s, abs=0.01)
        place = group.PlanePositionSequence[0].ImagePositionPatient
        expected = np.array([-1, -1, 1]) * (truth.affine @ (0, 0, z, 1))[:3]
        np.testing.assert_allclose(place, expected, atol=1e-6)


# -- variants --------------------------------------------------------------------------------


def test_a_cine_that_was_sent_twice_has_other_uids_and_equal_pixels(tmp_path):
    export = small_export(tmp_path, Variant(again="resent", **CINE_ALONE))
    files = cine_files(export)
    assert files["series_number"].nunique() == 1
    assert files["series_uid"].nunique() == 2
    for _, pair in files.groupby(["slice", "frame"]):
        first, second = (read(tmp_path / name) for name in pair["file"])
        assert first.SOPInstanceUID != second.SOPInstanceUID
        assert first.InstanceNumber == second.InstanceNumber
        assert first.PixelData == second.PixelData


def test_a_cine_that_was_acquired_again_is_in_the_same_series(tmp_path):
    export = small_export(tmp_path, Variant(again="acquired", **CINE_ALONE))
    files = cine_files(export)
    assert files["series_uid"].nunique() == 1
    numbers = [read(tmp_path / name).InstanceNumber for name in files["file"]]
    assert sorted(numbers) == list(range(1, 81))
    for _, pair in files.groupby(["slice", "frame"]):
        by_number = {d.AcquisitionNumber: d for d in (read(tmp_path / f) for f in pair["file"])}
        first, second = by_number[1], by_number[2]
        assert first.ImagePositionPatient == second.ImagePositionPatient
        assert float(first.AcquisitionTime) < float(second.AcquisitionTime)
        assert first.PixelData != second.PixelData


def test_a_second_cine_is_in_the_same_planes_and_has_less_contrast(tmp_path):
    export = small_export(tmp_path, Variant(second_cine=True, **CINE_ALONE))
    first, second = export.cines[1, "cine"], export.cines[1, "second cine"]
    np.testing.assert_array_equal(first.cine.affine, second.cine.affine)
    np.testing.assert_array_equal(first.labels, second.labels)

    def contrast(truth):
        voxels, labels = truth.cine.voxels[0], truth.labels[0]
        return voxels[labels == Tissue.LV].mean() / voxels[labels == Tissue.MYO].mean()

    assert contrast(second) < 0.9 * contrast(first)
    assert len(cine_files(export, kind="second cine")) == len(cine_files(export))
    numbers = export.files.groupby("kind")["series_number"].first()
    assert numbers["second cine"] > numbers["cine"]


def test_a_second_examination_is_another_study_of_the_same_patient(tmp_path):
    export = small_export(tmp_path, Variant(second_examination=True, **CINE_ALONE))
    heads = [read(tmp_path / cine_files(export, number).iloc[0]["file"]) for number in (1, 2)]
    assert heads[0].PatientID == heads[1].PatientID
    assert heads[0].StudyDate > heads[1].StudyDate
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient"):
        assert heads[0][keyword].value != heads[1][keyword].value, keyword
    truth = export.cines[2, "cine"].cine
    for row in cine_files(export, 2).itertuples():
        data = read(tmp_path / row.file)
        np.testing.assert_allclose(values(data), truth.voxels[row.frame, row.slice], atol=1e-3)
    assert set(cine_files(export, 2)["not_cine"]) == {"of an earlier examination"}


def test_an_export_without_a_cine_has_none(tmp_path):
    export = small_export(tmp_path, "no cine")
    assert not (export.files["not_cine"] == "").any()
    with pytest.raises(KeyError):
        _ = export.truth


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vendor": "acme"}, "vendor is 'acme', expected one of siemens, philips, ge"),
        ({"cine_as": "pile"}, "cine_as is 'pile', expected one of stack"),
        ({"again": "twice"}, "again is 'twice'"),
        ({"kinds": ("cine", "ct")}, "kinds is 'ct', expected one of cine"),
        ({"kinds": ("report",)}, "kinds are report, expected one or more of localiser"),
        ({"again": "resent", "cine_as": "object"}, "choose another cine_as"),
    ],
)
def test_a_variant_that_does_not_exist_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Variant(**changes)


def test_rows_that_an_export_cannot_have_are_refused_by_subject(tmp_path):
    with pytest.raises(ValueError, match="subject 1: faults and selected series"):
        write_export(tmp_path, {**ROW, "faults": "not_dicom"}, SMALL)
    flat = replace(SMALL, slice_count=2)
    with pytest.raises(ValueError, match="subject 1: 2 short-axis slices, expected 3"):
        write_export(tmp_path, ROW, flat)
