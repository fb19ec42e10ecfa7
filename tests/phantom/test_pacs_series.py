"""The series of a PACS export: true sections of one beating body, each with its own contrast."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom.contrasts import T1_MS, velocity_mm_s
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.pacs.acquired import RESTING_PHASE
from cmrseg.phantom.pacs.export import write_export
from cmrseg.phantom.pacs.variant import Variant
from cmrseg.phantom.population import draw_parameters
from cmrseg.phantom.views import aortic_root_mm
from exports import ROW, SMALL, read, small_export, values

PARAMETERS = draw_parameters(ROW, SMALL.frames)
HEART = Heart(PARAMETERS)
LONG_AXES = ("2ch", "3ch", "4ch")


class Images:
    """The data sets of an export by kind of series, slice and frame."""

    def __init__(self, folder, export):
        self.folder, self.truth = folder, export.truth
        self.files = export.files[(export.files["copy_of"] == "")]

    def of(self, kind, **chosen):
        files = self.files[self.files["kind"] == kind]
        for column, value in chosen.items():
            files = files[files[column] == value]
        files = files.assign(data=[read(self.folder / name) for name in files["file"]])
        return sorted(files["data"], key=lambda data: data.InstanceNumber)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    return Images(folder, small_export(folder, Variant(copies=0)))


@pytest.fixture(scope="module")
def fine(tmp_path_factory):
    """Pixels of 2 mm and thin slices, of which most have one tissue alone."""
    folder = tmp_path_factory.mktemp("fine")
    protocol = replace(SMALL, frames=4, rows=100, columns=100, spacing_mm=2.0, thickness_mm=2.0)
    variant = Variant(kinds=("cine", "lge", "t1 map"), copies=0)
    return Images(folder, write_export(folder, ROW, protocol, variant))


def directions(data):
    row, column = np.split(np.array(data.ImageOrientationPatient, float), 2)
    return row, column, np.cross(row, column)


def points_mm(data):
    """Places of the pixels (rows, columns, 3), LPS."""
    row, column, _ = directions(data)
    y, x = np.mgrid[: data.Rows, : data.Columns][..., None] * 1.0
    down, right = map(float, data.PixelSpacing)
    return np.array(data.ImagePositionPatient, float) + y * down * column + x * right * row


def off_plane_mm(data, point):
    return abs(directions(data)[2] @ (np.asarray(point) - np.array(data.ImagePositionPatient)))


def median(data, labels, tissue):
    return np.median(values(data)[labels == tissue])


# -- long axes -------------------------------------------------------------------------------


@pytest.mark.parametrize("view", LONG_AXES)
def test_a_long_axis_view_contains_the_long_axis(images, view):
    cine = images.of(view)
    assert len(cine) == SMALL.frames
    assert len({tuple(data.ImagePositionPatient) for data in cine}) == 1
    for point in HEART.base_apex_mm(0.0):
        assert off_plane_mm(cine[0], point) < 0.01
        inside = points_mm(cine[0]).reshape(-1, 3)
        assert np.linalg.norm(inside - point, axis=1).min() < 6.5
    assert [float(data.TriggerTime) for data in cine] == [
        float(data.TriggerTime) for data in images.of("cine", slice=2)
    ]


def test_each_view_shows_its_chambers(images):
    towards_rv = np.array(HEART.towards_rv)
    four, two, three = (images.of(view)[0] for view in ("4ch", "2ch", "3ch"))
    assert directions(four)[0] @ towards_rv == pytest.approx(-1, abs=1e-6)
    assert directions(two)[0] @ towards_rv == pytest.approx(0, abs=1e-6)
    assert off_plane_mm(three, aortic_root_mm(HEART, 1.0)) < 0.01
    labels = {
        view: HEART.tissue(points_mm(data), 0.0)
        for view, data in (("4ch", four), ("2ch", two), ("3ch", three))
    }
    assert (labels["4ch"] == Tissue.RV).sum() > 20
    assert (labels["2ch"] == Tissue.RV).sum() == 0
    # The right ventricle is on the left of a four-chamber view.
    columns = {t: np.argwhere(labels["4ch"] == t)[:, 1].mean() for t in (Tissue.RV, Tissue.LV)}
    assert columns[Tissue.RV] < columns[Tissue.LV]


@pytest.mark.parametrize("view", LONG_AXES)
def test_blood_and_muscle_of_a_view_are_where_the_heart_is_at_its_time(images, view):
    for frame, phase in ((0, 0.0), (round(PARAMETERS.es_phase * 8), PARAMETERS.es_phase)):
        (data,) = images.of(view, frame=frame)
        labels = HEART.tissue(points_mm(data), phase)
        assert median(data, labels, Tissue.LV) > 1.4 * median(data, labels, Tissue.MYO)


def test_long_and_short_axes_are_sections_of_one_body(images):
    row = images.of("cine", slice=2, frame=0)[0]
    position, (right, down, normal) = np.array(row.ImagePositionPatient, float), directions(row)
    for view in LONG_AXES:
        for frame in range(0, SMALL.frames, 3):
            (long,) = images.of(view, frame=frame)
            (short,) = images.of("cine", slice=2, frame=frame)
            places = points_mm(long)
            near = np.abs((places - position) @ normal) < 2
            offset = (places - position)[near]
            y, x = np.rint(offset @ down / 6.5).astype(int), np.rint(offset @ right / 6.5)
            x = x.astype(int)
            inside = (y >= 0) & (y < SMALL.rows) & (x >= 0) & (x < SMALL.columns)
            seen = values(short)[y[inside], x[inside]]
            assert np.corrcoef(seen, values(long)[near][inside])[0, 1] > 0.8, (view, frame)


def test_localisers_lie_in_three_orthogonal_orientations(images):
    found = [directions(data)[2] for data in images.of("localiser")]
    distinct = np.unique(np.round(found, 6), axis=0)
    assert len(found) == 9
    np.testing.assert_allclose(np.abs(distinct @ distinct.T), np.eye(3), atol=1e-6)
    assert all("TriggerTime" not in data for data in images.of("localiser"))


# -- enhancement and T1 ----------------------------------------------------------------------


def test_late_enhancement_lies_in_the_cine_s_planes_with_a_higher_number(images):
    for z in range(SMALL.slice_count):
        (late,), cine = images.of("lge", slice=z), images.of("cine", slice=z)[0]
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows"):
            assert late[keyword].value == cine[keyword].value
        assert late.SeriesNumber > cine.SeriesNumber
        assert late.InversionTime == 310


def test_muscle_is_black_in_late_enhancement(fine):
    labels = fine.truth.labels[0, 2]
    (late,), (cine,) = fine.of("lge", slice=2), fine.of("cine", slice=2, frame=0)
    assert median(late, labels, Tissue.MYO) < 0.15 * median(late, labels, Tissue.LV)
    assert median(cine, labels, Tissue.MYO) > 0.25 * median(cine, labels, Tissue.LV)


def test_the_t1_map_is_in_milliseconds(fine):
    data = fine.of("t1 map")[1]
    labels = HEART.tissue(points_mm(data), RESTING_PHASE)
    assert median(data, labels, Tissue.MYO) == pytest.approx(T1_MS.myocardium, rel=0.05)
    assert median(data, labels, Tissue.LV) == pytest.approx(T1_MS.blood, rel=0.05)
    assert data.ImageType[0] == "DERIVED"
    assert len(fine.of("t1 map")) == 3


def test_t1_sources_recover_from_the_inversion(fine):
    for z in range(3):
        times = [float(data.InversionTime) for data in fine.of("t1 source", slice=z)]
        assert times == sorted(times)
        assert len(set(times)) == 8
        assert len({data.TriggerTime for data in fine.of("t1 source", slice=z)}) == 1
    sources = fine.of("t1 source", slice=1)
    labels = HEART.tissue(points_mm(sources[0]), RESTING_PHASE)
    for tissue, t1_ms in ((Tissue.MYO, T1_MS.myocardium), (Tissue.LV, T1_MS.blood)):
        signal = [median(data, labels, tissue) for data in sources]
        expected = [abs(1 - 2 * np.exp(-float(data.InversionTime) / t1_ms)) for data in sources]
        assert np.corrcoef(signal, expected)[0, 1] > 0.98


# -- perfusion and flow ----------------------------------------------------------------------


def test_perfusion_has_more_frames_than_the_cine_one_a_heartbeat(images):
    beat_s = 60 / ROW["heart_rate_bpm"]
    for z in range(3):
        series = images.of("perfusion", slice=z)
        assert len(series) == 40 > SMALL.frames
        assert len({data.TriggerTime for data in series}) == 1
        clock = [data.AcquisitionTime for data in series]
        seconds = [int(t[:2]) * 3600 + int(t[2:4]) * 60 + float(t[4:]) for t in clock]
        np.testing.assert_allclose(np.diff(seconds), beat_s, atol=1e-5)
        assert [data.AcquisitionNumber for data in series] == list(range(1, 41))


def test_contrast_reaches_the_right_ventricle_then_the_left_then_muscle(images):
    series = images.of("perfusion", slice=1)
    labels = HEART.tissue(points_mm(series[0]), 0.4)
    peaks = [
        int(np.argmax([median(data, labels, tissue) for data in series]))
        for tissue in (Tissue.RV, Tissue.LV, Tissue.MYO)
    ]
    assert peaks == sorted(set(peaks)), peaks


@pytest.mark.parametrize("vendor", ["siemens", "philips", "ge"])
def test_flow_has_magnitude_and_velocity_of_one_plane_in_one_series(tmp_path, vendor):
    export = small_export(tmp_path, Variant(vendor, kinds=("cine", "flow"), copies=0))
    series = Images(tmp_path, export).of("flow")
    assert len({data.SeriesInstanceUID for data in series}) == 1
    assert len({tuple(data.ImagePositionPatient) for data in series}) == 1
    magnitudes, velocities = series[: SMALL.frames], series[SMALL.frames :]
    if vendor == "ge":
        told = [data[0x0043102F].value for data in series]
        assert told == [0] * SMALL.frames + [1] * SMALL.frames
    else:
        assert all("M" in data.ImageType for data in magnitudes)
        assert all("P" in data.ImageType for data in velocities)
    # In units of the encoded velocity, 150 cm/s.
    unit = {"siemens": 4096, "philips": 150, "ge": 1500}[vendor]
    frame = 1
    places, normal = points_mm(series[0]), directions(series[0])[2]
    true = velocity_mm_s(PARAMETERS, places, frame / SMALL.frames) @ normal / 1500
    signal = values(magnitudes[frame]) > 150
    error = np.abs(values(velocities[frame]) / unit - true)[signal]
    assert np.median(error) < 0.03
    assert true.max() > 0.3
    assert true.min() < -0.2


def test_blood_rises_in_the_root_and_descends_in_the_aorta():
    root = aortic_root_mm(HEART, 1.0)
    descending = np.array([20.0, 0.4 * PARAMETERS.body.half_depth_mm, 30.0])
    still = np.array([-60.0, 0.0, 0.0])
    mid_systole = velocity_mm_s(PARAMETERS, np.stack([root, descending, still]), 0.18)
    assert mid_systole[0] @ HEART.axis < -700
    np.testing.assert_allclose(mid_systole[1, :2], 0)
    assert mid_systole[1, 2] < -700
    np.testing.assert_array_equal(mid_systole[2], 0)
