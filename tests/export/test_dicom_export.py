"""SEG and SR of imported cines, read back by highdicom and by pydicom."""

import shutil
import subprocess
from io import BytesIO

import numpy as np
import pydicom
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.study import import_study
from cmrseg.export.own_images import own_labels
from cmrseg.export.version import VERSION
from cmrseg.labels import Tissue
from dicom_builder import COLUMN_DIRECTION, NORMAL, ROW_DIRECTION, write_series, write_study
from dicom_studies import FOLDER
from enhanced_builder import enhanced

highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed")
from cmrseg.export.dicom_cohort import SEG, SR, dicom_objects  # noqa: E402
from cmrseg.export.equipment import Author  # noqa: E402
from cmrseg.export.report import report  # noqa: E402
from cmrseg.export.segmentation import segmentation  # noqa: E402
from tiny_study import ROOT  # noqa: E402

TISSUES = (Tissue.LV, Tissue.MYO, Tissue.RV)
WHOLE = {"StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4", "PatientName": "Doe^J"}
UIDS = {5 + z: {"SeriesInstanceUID": f"1.2.5.{z}"} for z in range(9)}
MEASURES = {
    **{"edv_ml": 150.25, "esv_ml": 60.1, "sv_ml": 90.15, "ef": 0.6, "co_l_min": 5.409},
    **{"mass_g": 104.5, "es_mass_g": 106.0, "rv_edv_ml": 160.0, "rv_esv_ml": 72.0},
    **{"rv_sv_ml": 88.0, "rv_ef": 0.55, "ed_frame": 0, "es_frame": 1},
}


def labelled(cine: Cine, seed: int = 3) -> Cine:
    """Any label maps on the grid of a cine."""
    drawn = np.random.default_rng(seed).integers(0, 4, cine.voxels.shape)
    return cine.like(drawn.astype(np.uint8))


def stack(folder, changes=None, slices=4, **elements):
    """A study of slices of three frames, a series each; changes: of some slices."""
    for z in range(slices):
        of = {"series_number": 5 + z, "location_mm": 8.0 * z, "SpacingBetweenSlices": 8}
        own = {**WHOLE, **UIDS[5 + z], **of, **elements, **(changes or {}).get(z, {})}
        write_series(folder / f"sax_{5 + z}", **own)
    return folder


def exported(folder, series=""):
    """The import of a folder, label maps on it, and these on the images."""
    imported = import_study(folder, "7", FOLDER, series)
    labels = labelled(imported.cine)
    return imported, labels, own_labels(labels, imported.sources, folder)


def again(made) -> bytes:
    content = BytesIO()
    made.save_as(content, enforce_file_format=True)
    return content.getvalue()


def read_back(made, study) -> dict[str, np.ndarray]:
    """Labels by file, as highdicom reads them of a SEG."""
    found = highdicom.seg.segread(BytesIO(again(made)))
    labels = {}
    for one in study.images:
        image = study.sources.images[one.file]
        how = {"combine_segments": True, "ignore_spatial_locations": True}
        how["assert_missing_frames_are_empty"] = True
        uid = image.header.SOPInstanceUID
        if image.number is None:
            pixels = found.get_pixels_by_source_instance([uid], **how)
        else:
            pixels = found.get_pixels_by_source_frame(uid, [image.number], **how)
        labels[one.file] = pixels[0]
    return labels


# Against the usual direction of rows.
BACK = [-v for v in ROW_DIRECTION]


def beside(location_mm, columns):
    """The place of a pixel some columns beside the first one of a slice."""
    return np.array(NORMAL) * location_mm + np.array(ROW_DIRECTION) * 1.25 * columns


STUDIES = {
    "slices that are series": {},
    "a mirrored slice": {"changes": {2: {"row_direction": BACK, "position_mm": beside(16, 9)}}},
    "a slice turned by a right angle": {
        "rows": 12,
        "columns": 12,
        "PixelSpacing": [1.25, 1.25],
        "changes": {
            1: {
                "row_direction": COLUMN_DIRECTION,
                "column_direction": BACK,
                "position_mm": beside(8, 11),
            }
        },
    },
    "pictures wider than high": {"rows": 10, "columns": 14},
    "a slice with other pixels": {"changes": {3: {"rows": 14, "columns": 12}}},
}


# What the import did with the images of a study.
DONE = {
    "a mirrored slice": ("mirrored", True),
    "a slice turned by a right angle": ("rotation_deg", 90),
    "pictures wider than high": ("quarter_turns", 1),
    "a slice with other pixels": ("rows", 14),
}


@pytest.mark.parametrize("name", STUDIES)
def test_every_image_gets_the_labels_back_that_went_out(tmp_path, name):
    imported, labels, study = exported(stack(tmp_path, **STUDIES[name]))
    column, value = DONE.get(name, ("z", 3))
    assert (imported.sources[column].astype(float).abs() == value).any()
    assert not imported.sources["copied"].any()
    made = segmentation(study.images, study.sources, TISSUES, Author("net"))
    back = read_back(made, study)
    assert len(back) == 12
    # All that is on the grid is on the images, too.
    assert sum((one.labels > 0).sum() for one in study.images) == (labels.voxels > 0).sum()
    for one in study.images:
        rows, columns = one.labels.shape
        assert (back[one.file][:rows, :columns] == one.labels).all()
        assert not back[one.file][rows:].any()
        assert not back[one.file][:, columns:].any()


def test_frames_of_one_object_are_named_by_their_numbers(tmp_path):
    data = enhanced(**WHOLE, SeriesInstanceUID="1.2.5")
    data.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    imported, labels, study = exported(tmp_path)
    made = segmentation(study.images, study.sources, TISSUES, Author("net"))
    back = read_back(made, study)
    numbers = {
        g.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        for g in made.PerFrameFunctionalGroupsSequence
    }
    assert numbers == set(range(1, 13))
    assert all((back[one.file] == one.labels).all() for one in study.images)
    row = imported.sources.iloc[5]
    assert (back[row.file] == labels.voxels[row.t, row.z]).all()


def test_frames_are_placed_where_their_images_are_and_sorted_by_slice_and_time(tmp_path):
    _, _, study = exported(stack(tmp_path))
    made = segmentation(study.images, study.sources, TISSUES, Author("net"))
    pointers = [item.DimensionDescriptionLabel for item in made.DimensionIndexSequence]
    assert pointers == ["Segment", "Slice", "Frame"]
    for groups in made.PerFrameFunctionalGroupsSequence:
        reference = groups.DerivationImageSequence[0].SourceImageSequence[0]
        (own,) = (h for h in study.sources.headers if h.SOPInstanceUID == reference[0x81155].value)
        position = groups.PlanePositionSequence[0].ImagePositionPatient
        assert position == pytest.approx(own.ImagePositionPatient, abs=1e-6)
        assert groups.PixelMeasuresSequence[0].PixelSpacing == own.PixelSpacing
        _, z, t = groups.FrameContentSequence[0].DimensionIndexValues
        assert (own.SeriesNumber, own.InstanceNumber) == (4 + z, t)
    assert [s.SegmentLabel for s in made.SegmentSequence] == [
        "LV cavity",
        "LV myocardium",
        "RV cavity",
    ]
    types = [s.SegmentedPropertyTypeCodeSequence[0].CodeValue for s in made.SegmentSequence]
    assert types == ["87878005", "49848007", "53085002"]


def test_a_missing_image_that_was_filled_in_has_no_frame(tmp_path):
    folder = stack(tmp_path)
    (tmp_path / "sax_6/IM-0006-0002.dcm").unlink()
    imported, _, study = exported(folder)
    assert imported.sources["copied"].sum() == study.copied == 1
    assert len(study.images) == 11
    made = dicom_objects(study, TISSUES, MEASURES, Author("net"))
    parameters = [e.value for e in made[SR].iterall() if e.keyword == "TextValue"]
    assert any("1 missing images were filled in" in str(text) for text in parameters)


def test_measures_are_read_back_with_codes_and_segments(tmp_path):
    _, _, study = exported(stack(tmp_path))
    made = dicom_objects(study, TISSUES, MEASURES, Author("net"))
    content = highdicom.sr.srread(BytesIO(again(made[SR]))).content
    found = {}
    for number, group in enumerate(content.get_volumetric_roi_measurement_groups(), start=1):
        reference = group.referenced_segment
        assert str(reference.referenced_sop_instance_uid) == made[SEG].SOPInstanceUID
        assert list(reference.referenced_segment_numbers) == [number]
        for m in group.get_measurements():
            phase = [
                c.value.meaning for c in m[0].get("ContentSequence", []) if hasattr(c, "value")
            ]
            found[(number, m.name.value, *phase)] = (m.value, m.unit.value)
    assert found == {
        (1, "18026-5"): (150.25, "ml"),
        (1, "18148-7"): (60.1, "ml"),
        (1, "90096001"): (90.15, "ml"),
        (1, "8811-2"): (60.0, "%"),
        (1, "82799009"): (5.409, "l/min"),
        (2, "18087-7", "End diastole"): (104.5, "g"),
        (2, "18087-7", "End Systole"): (106.0, "g"),
        (3, "118565006", "End diastole"): (160.0, "ml"),
        (3, "118565006", "End Systole"): (72.0, "ml"),
        (3, "429483009"): (88.0, "ml"),
        (3, "8818-7"): (55.0, "%"),
    }


def test_objects_are_of_the_study_of_the_images_and_of_no_time_of_a_run(tmp_path):
    _, _, study = exported(stack(tmp_path, StudyDate="20200102", PatientID="7"))
    first = dicom_objects(study, TISSUES, MEASURES, Author("net"))
    second = dicom_objects(study, TISSUES, MEASURES, Author("net"))
    assert list(first) == [".seg.dcm", ".ed.seg.dcm", ".es.seg.dcm", ".sr.dcm"]
    for ending, made in first.items():
        assert again(made) == again(second[ending])
        assert (made.StudyInstanceUID, made.PatientID, str(made.PatientName)) == (
            *("1.2.3", "7", "Doe^J"),
        )
        assert str(made.ContentDate).replace("-", "") == "20200102"
        assert "InstanceCreationDate" not in made
    assert len({made.SOPInstanceUID for made in first.values()}) == 4


def test_a_segmentation_of_a_phase_has_its_frame_alone(tmp_path):
    _, _, study = exported(stack(tmp_path))
    made = dicom_objects(study, TISSUES, MEASURES, Author("net"))
    times = {
        g.FrameContentSequence[0].TemporalPositionIndex
        for g in made[".es.seg.dcm"].PerFrameFunctionalGroupsSequence
    }
    assert times == {2}


def test_what_a_reader_drew_is_manual_and_names_no_algorithm(tmp_path):
    _, _, study = exported(stack(tmp_path))
    made = segmentation(study.images, study.sources, TISSUES, Author("reader", "MANUAL"))
    assert {s.SegmentAlgorithmType for s in made.SegmentSequence} == {"MANUAL"}
    assert not any("SegmentAlgorithmName" in s for s in made.SegmentSequence)
    told = report(made, study.sources, TISSUES, MEASURES, (0, 1), 0, Author("reader", "MANUAL"))
    assert "cmrseg" in {str(e.value) for e in told.iterall() if e.keyword == "TextValue"}
    with pytest.raises(ValueError, match="by is 'HAND', expected AUTOMATIC"):
        Author("reader", "HAND")


def test_files_without_identifiers_of_study_and_series_get_some(tmp_path):
    write_study(tmp_path)
    _, _, study = exported(tmp_path)
    invented = ("FrameOfReferenceUID", "SeriesInstanceUID", "StudyInstanceUID")
    assert study.sources.invented == invented
    again_ = exported(tmp_path)[2]
    for keyword in invented:
        values = {h[keyword].value for h in study.sources.headers}
        assert values == {h[keyword].value for h in again_.sources.headers}
        assert len(values) == (4 if keyword == "SeriesInstanceUID" else 1)


def test_images_of_two_frames_of_reference_are_refused(tmp_path):
    folder = stack(tmp_path)
    imported = import_study(folder, "7", FOLDER)
    stack(tmp_path, {2: {"FrameOfReferenceUID": "1.2.9"}})
    with pytest.raises(ValueError, match=r"FrameOfReferenceUID differs between .* one patient"):
        own_labels(labelled(imported.cine), imported.sources, folder)


def test_an_image_without_a_name_in_dicom_is_refused(tmp_path):
    folder = stack(tmp_path)
    imported = import_study(folder, "7", FOLDER)
    path = folder / "sax_7/IM-0007-0002.dcm"
    data = pydicom.dcmread(path)
    del data.SOPInstanceUID
    pydicom.dcmwrite(path, data)
    with pytest.raises(ValueError, match=r"IM-0007-0002.dcm has no SOPInstanceUID, by which DICOM"):
        own_labels(labelled(imported.cine), imported.sources, folder)


def test_a_file_that_is_gone_is_named(tmp_path):
    folder = stack(tmp_path)
    imported = import_study(folder, "7", FOLDER)
    shutil.rmtree(tmp_path / "sax_6")
    with pytest.raises(ValueError, match=r"sax_6/IM-0006-0001.dcm is not among the raw files any"):
        own_labels(labelled(imported.cine), imported.sources, folder)


def test_nothing_labelled_or_measured_is_refused(tmp_path):
    imported, labels, study = exported(stack(tmp_path))
    empty = own_labels(labels.like(labels.voxels * 0), imported.sources, tmp_path)
    with pytest.raises(ValueError, match="net labelled nothing, and a DICOM SEG needs"):
        segmentation(empty.images, empty.sources, TISSUES, Author("net"))
    made = segmentation(study.images, study.sources, TISSUES, Author("net"))
    with pytest.raises(ValueError, match="net: there is no measure of the ventricles to report"):
        report(made, study.sources, TISSUES, {}, (0, 1), 0, Author("net"))


def test_the_version_is_that_of_the_project():
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("name", ["slices that are series", "pictures wider than high"])
def test_dciodvfy_finds_no_error(tmp_path, name):
    _, _, study = exported(stack(tmp_path / "raw", **STUDIES[name]))
    for ending, made in dicom_objects(study, TISSUES, MEASURES, Author("net")).items():
        path = tmp_path / f"sa{ending}"
        made.save_as(path, enforce_file_format=True)
        assert pydicom.dcmread(path).SOPInstanceUID == made.SOPInstanceUID
        told = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
        assert "Error" not in told.stderr + told.stdout
