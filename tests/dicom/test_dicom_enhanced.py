"""Objects of many frames: each frame is read as the single image that it would be."""

import math

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.uid import LegacyConvertedEnhancedMRImageStorage, RLELossless

from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.reading import open_file, read_file
from cmrseg.dicom.study import import_study
from dicom_builder import COLUMN_DIRECTION, NORMAL, ROW_DIRECTION, picture, write_series
from dicom_codecs import write_coded
from dicom_studies import FOLDER, expected_voxels
from enhanced_builder import frame_groups, group, shared_groups, write_enhanced


def read(path):
    return read_file(path, "a.dcm", lenient=True)


def without(groups, name):
    return {key: value for key, value in groups.items() if key != name}


def test_an_enhanced_object_is_the_cine_of_its_frames(tmp_path):
    write_enhanced(tmp_path / "raw/7/enhanced.dcm", frames=8)
    imported = import_study(tmp_path / "raw/7", "7", FOLDER)
    assert np.array_equal(imported.cine.voxels, expected_voxels(frames=8))
    assert imported.cine.spacing_mm == pytest.approx((8.0, 1.5, 1.25))
    assert imported.cine.frame_interval_s == pytest.approx(0.04)
    assert len(imported.headers) == 1
    assert imported.sources["file"].iloc[-1] == "enhanced.dcm#32"


def test_a_frame_has_the_place_time_and_series_of_its_functional_groups(tmp_path):
    frames = read(write_enhanced(tmp_path / "a.dcm"))
    assert [f.name for f in frames[:2]] == ["a.dcm#1", "a.dcm#2"]
    assert len(frames) == 12
    frame = frames[4]
    assert frame.pixels.tolist() == picture(12, 10, 6, 2).tolist()
    assert frame.position_mm == tuple(8.0 * v for v in NORMAL)
    assert frame.orientation == (*ROW_DIRECTION, *COLUMN_DIRECTION)
    assert frame.spacing_mm == (1.5, 1.25)
    assert (frame.trigger_ms, frame.temporal_position, frame.instance_number) == (40.0, 2.0, 5)
    assert (frame.slice_distance_mm, frame.thickness_mm) == (8.0, 8.0)
    assert frame.acquired_s == 11 * 3600 + 11 * 60 + 30.51
    assert (frame.instance, frame.reference) == ("1.2.3.4#5", "1.2.3.6")
    assert (frame.origin.series, frame.origin.description) == ("1.2.3.5", "sax")
    assert frame.origin.image_type == ("ORIGINAL", "PRIMARY", "CARDIAC", "NONE", "M")
    assert frame.phase_encoding == "COL"
    assert frame.patient == "7"


def test_groups_of_a_frame_count_before_those_that_all_share(tmp_path):
    def frame(z, t):
        own = group(RescaleSlope=1 + t, RescaleIntercept=-2, RescaleType="US")
        return {**frame_groups(z, t), "PixelValueTransformationSequence": own}

    all_frames = group(RescaleSlope=9, RescaleIntercept=9, RescaleType="US")
    shared = {**shared_groups(), "PixelValueTransformationSequence": all_frames}
    frames = read(write_enhanced(tmp_path / "a.dcm", frame=frame, shared=shared))
    for t in range(3):
        expected = picture(12, 10, 5, t + 1) * float(1 + t) - 2
        assert frames[t].pixels.tolist() == expected.tolist()


@pytest.mark.parametrize("component", ["PHASE", "REAL", "IMAGINARY"])
def test_frames_tell_what_of_the_signal_they_show(tmp_path, component):
    def frame(z, t):
        kind = group(FrameType=["ORIGINAL", "PRIMARY"], ComplexImageComponent=component)
        return {**frame_groups(z, t), **({"MRImageFrameTypeSequence": kind} if t else {})}

    frames = read(write_enhanced(tmp_path / "a.dcm", frame=frame))
    assert frames[0].origin.image_type[-1] == "M"
    assert frames[1].origin.image_type == ("ORIGINAL", "PRIMARY", component[0])


def test_echoes_are_numbered_by_their_time(tmp_path):
    def frame(z, t):
        return {**frame_groups(z, t), "MREchoSequence": group(EffectiveEchoTime=[4.0, 1.5, 9.0][t])}

    frames = read(write_enhanced(tmp_path / "a.dcm", frame=frame))
    assert [f.origin.echo for f in frames[:4]] == [2, 1, 3, 2]


def test_the_actual_delay_counts_where_the_nominal_one_is_absent(tmp_path):
    def frame(z, t):
        return {
            **frame_groups(z, t),
            "CardiacSynchronizationSequence": group(ActualCardiacTriggerDelayTime=33.0 * t),
        }

    frames = read(write_enhanced(tmp_path / "a.dcm", frame=frame))
    assert [f.trigger_ms for f in frames[:3]] == [0.0, 33.0, 66.0]


def test_converted_single_images_keep_their_own_attributes(tmp_path):
    def frame(z, t):
        own = group(TriggerTime=25.0 * t, AcquisitionNumber=z + 3)
        groups = without(frame_groups(z, t), "CardiacSynchronizationSequence")
        return {**groups, "UnassignedPerFrameConvertedAttributesSequence": own}

    kind = LegacyConvertedEnhancedMRImageStorage
    frames = read(write_enhanced(tmp_path / "a.dcm", frame=frame, SOPClassUID=kind))
    assert [f.trigger_ms for f in frames[:3]] == [0.0, 25.0, 50.0]
    assert frames[3].origin.acquisition == 4


def test_a_frame_without_a_time_has_none(tmp_path):
    def frame(z, t):
        return without(frame_groups(z, t), "CardiacSynchronizationSequence")

    assert math.isnan(read(write_enhanced(tmp_path / "a.dcm", frame=frame))[0].trigger_ms)


def test_what_a_frame_lacks_is_told_with_its_number_and_series(tmp_path):
    def frame(z, t):
        groups = frame_groups(z, t)
        return without(groups, "PlanePositionSequence") if (z, t) == (1, 0) else groups

    path = write_enhanced(tmp_path / "a.dcm", frame=frame)
    with pytest.raises(SubjectError, match=r"a.dcm#4: missing tag: ImagePositionPatient") as caught:
        read(path)
    assert caught.value.origin.series == "1.2.3.5"
    assert caught.value.series_number == 5


def test_compressed_frames_are_decoded_one_by_one(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm")
    data = pydicom.dcmread(path)
    coded = [imagecodecs.jpegls_encode(p) for p in data.pixel_array]
    write_coded(path, data, "80", coded)
    frames = read(path)
    assert frames[7].pixels.tolist() == picture(12, 10, 7, 2).tolist()
    assert frames[7].transfer_syntax.startswith("JPEG-LS")


def test_frames_of_run_lengths_are_decoded(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm")
    data = pydicom.dcmread(path)
    data.compress(RLELossless, generate_instance_uid=False)
    data.save_as(path)
    assert read(path)[7].pixels.tolist() == picture(12, 10, 7, 2).tolist()


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"NumberOfFrames": 13}, "NumberOfFrames is 13, but 12 frames have functional groups"),
        ({"PixelData": None}, "the file has no pixel data"),
        ({"Rows": 65535, "Columns": 65535}, "pixels declared, expected at most 536870912"),
        ({"Rows": 24}, "not readable; copy the file again"),
        ({"SamplesPerPixel": 3}, "SamplesPerPixel is 3, expected 1 .greyscale"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, r"MONOCHROME1 \(inverted grey scale\)"),
    ],
)
def test_objects_that_lie_are_refused_by_name(tmp_path, elements, message):
    path = write_enhanced(tmp_path / "a.dcm")
    data = pydicom.dcmread(path)
    for keyword, value in elements.items():
        if value is None:
            del data[keyword]
        else:
            setattr(data, keyword, value)
    data.save_as(path)
    with pytest.raises(SubjectError, match=f"a.dcm: unreadable file: .*{message}"):
        read(path)


def test_far_more_compressed_frames_than_bytes_are_refused(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", slices=1, frames=100, rows=1, columns=1)
    data = pydicom.dcmread(path)
    write_coded(path, data, "80", [b"12"])
    with pytest.raises(SubjectError, match="100 frames declared, expected at most"):
        read(path)


def test_frames_without_functional_groups_are_refused_with_advice(tmp_path):
    (path,) = write_series(tmp_path, frames=(1,), rows=12)
    data = pydicom.dcmread(path)
    data.NumberOfFrames, data.Rows = 2, 6
    data.save_as(path)
    with pytest.raises(
        SubjectError, match=r"2 frames .*without a position and time.*; export .*single images"
    ):
        read(path)


@pytest.mark.parametrize("compress", [False, True])
def test_a_single_image_with_a_place_of_its_own_is_read_as_one(tmp_path, compress):
    (path,) = write_series(tmp_path, frames=(1,), compress=compress)
    data = pydicom.dcmread(path)
    data.SharedFunctionalGroupsSequence = data.PerFrameFunctionalGroupsSequence = [
        pydicom.Dataset()
    ]
    data.save_as(path)
    (frame,) = read(path)
    assert (frame.name, frame.series_number) == ("a.dcm", 5)


def test_as_published_objects_of_many_frames_are_refused(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm")
    with pytest.raises(SubjectError, match=r"shape \(12, 12, 10\), expected a greyscale image"):
        read_file(path, "a.dcm")
    assert open_file(path, "a.dcm")[1]["SeriesDescription"] == "sax"


def test_each_frame_keeps_its_own_kind_among_others(tmp_path):
    """What one frame says must not become what all say, though they share the object's header."""

    def frame(z, t):
        component = ["MAGNITUDE", "PHASE", "MAGNITUDE"][t]
        kind = group(FrameType=["ORIGINAL", "PRIMARY"], ComplexImageComponent=component)
        return {**frame_groups(z, t), "MRImageFrameTypeSequence": kind}

    frames = read(write_enhanced(tmp_path / "a.dcm", frame=frame, ComplexImageComponent="MIXED"))
    assert [f.origin.image_type for f in frames[:3]] == [
        ("ORIGINAL", "PRIMARY", component) for component in "MPM"
    ]


def test_an_object_of_one_frame_has_a_number_of_its_own(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", slices=1, frames=1, InstanceNumber=17)
    assert [f.instance_number for f in read(path)] == [17]
    path = write_enhanced(tmp_path / "b.dcm", slices=1, frames=2, InstanceNumber=17)
    assert [f.instance_number for f in read(path)] == [1, 2]
