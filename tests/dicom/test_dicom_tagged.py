"""Tagged cines in a folder of DICOM files: found among other series, and not taken for others."""

import shutil

import numpy as np
import pytest

from cmrseg.dicom.audit import FEW_FRAMES, NO_TAGS, UNCLEAR, SubjectError
from cmrseg.dicom.study import import_study
from dicom_studies import FOLDER
from tagged_dicom import (
    COLUMN,
    FRAMES,
    INTERVAL_MS,
    ROW,
    SIZE,
    TOWARDS_APEX,
    tagged,
    write_cine,
    write_slice,
    write_tagged,
)

TAG = {**FOLDER, "sequence": "tag"}


@pytest.fixture
def study(tmp_path):
    return tmp_path / "raw/7"


def written(first: int = 20, slices: int = 3, frames: int = FRAMES) -> np.ndarray:
    """Images (t, z, y, x) of tagged series, from base to apex."""
    pictures = [
        [tagged(SIZE, SIZE, first + z, t + 1) for z in range(slices)] for t in range(frames)
    ]
    return np.array(pictures, np.float32)


def problems(imported) -> list[str]:
    return imported.audit["problem"].tolist()


def test_a_series_for_each_slice_is_a_cine_from_base_to_apex(study):
    write_tagged(study)
    found = import_study(study, "7", TAG)
    assert problems(found) == []
    assert (found.cine.voxels == written()).all()
    towards = np.array([-1, -1, 1]) * TOWARDS_APEX * 15  # RAS
    assert found.cine.affine[:3, 2] == pytest.approx(towards, abs=1e-3)
    assert found.cine.frame_interval_s == pytest.approx(INTERVAL_MS / 1000)
    first = found.sources[found.sources["z"] == 0]
    assert first["file"].tolist() == [f"20/IM-0020-{t:04d}.dcm" for t in range(1, FRAMES + 1)]


@pytest.mark.parametrize("words", ["cine_tagging_3sl_SAX_b1s", "CSPAMM sax", "sa"])
def test_tags_are_found_beside_other_cines_by_words_or_by_pictures(study, words):
    write_tagged(study, SeriesDescription=words)
    write_cine(study, slices=9)
    found = import_study(study, "7", TAG)
    assert (found.cine.voxels == written()).all()
    reasons = found.series[~found.series["chosen"]]["reason"]
    assert set(reasons) == {"not tagged"}


@pytest.mark.parametrize(
    "element",
    [
        {"ProtocolName": "tagging sax"},
        {"SequenceName": "CSPAMM"},
        {"Tagging": "GRID"},
        {"ImageType": ["ORIGINAL", "PRIMARY", "M", "TAGGED"]},
    ],
)
def test_other_elements_of_the_header_tell_of_tags_that_pictures_do_not_show(study, element):
    write_tagged(study, image=lambda *a: tagged(*a) // 400 + 7, SeriesDescription="sa", **element)
    assert import_study(study, "7", TAG).cine.voxels.shape == (FRAMES, 3, SIZE, SIZE)


@pytest.mark.parametrize("words", ["cine_tagging_3sl_SAX_b1s", "sa"])
def test_a_short_axis_cine_has_no_tags_even_where_it_has_fewer_slices(study, words):
    write_tagged(study, SeriesDescription=words)
    write_cine(study, slices=2)
    found = import_study(study, "7", FOLDER)
    assert found.cine.voxels.shape[1] == 2
    reasons = found.series[~found.series["chosen"]]["reason"]
    assert set(reasons) == {"tagged images"}


def test_tags_alone_are_no_short_axis_cine_unless_somebody_says_so(study):
    write_tagged(study)
    with pytest.raises(SubjectError, match=r"no short-axis cine.*#20.*tagged images"):
        import_study(study, "7", FOLDER)
    assert import_study(study, "7", FOLDER, "#20,#21,#22").cine.voxels.shape[1] == 3


@pytest.mark.parametrize("series", ["", "#5,#6"])
def test_a_cine_without_tags_is_refused_in_one_sentence(study, series):
    write_cine(study)
    told = r"^no tagged cine: neither headers nor pictures tell of tags: #5 'cine sax'"
    with pytest.raises(SubjectError, match=told) as raised:
        import_study(study, "7", TAG, series)
    assert raised.value.kind == NO_TAGS
    assert "\n" not in str(raised.value)


def test_three_slices_in_one_series_are_the_same_cine(study):
    for z in range(3):
        write_slice(study / "a", 20, z, name=f"{z}-{{frame}}.dcm", first_uid=100 * z)
    found = import_study(study, "7", TAG)
    expected = np.array([[tagged(SIZE, SIZE, 20, t + 1)] * 3 for t in range(FRAMES)])
    assert (found.cine.voxels == expected).all()


def test_fifty_frames_in_any_order_are_sorted_by_time(study):
    write_tagged(study, frames=50)
    for folder in sorted(study.iterdir()):
        files = sorted(folder.iterdir())
        for i, path in enumerate(files):
            path.rename(folder / f"{(7 * i) % 50:02d}.dcm")
    found = import_study(study, "7", TAG)
    assert (found.cine.voxels == written(frames=50)).all()


def test_slices_at_uneven_distances_are_neither_removed_nor_copied(study):
    for z, place in enumerate((0.0, 15.0, 42.0)):
        write_slice(study, 20 + z, z, position_mm=TOWARDS_APEX * place)
    found = import_study(study, "7", TAG)
    assert (found.cine.voxels == written()).all()
    assert set(problems(found)) == {"slice spacing: special"}


def test_a_missing_slice_leaves_two(study):
    write_tagged(study)
    shutil.rmtree(study / "21")
    found = import_study(study, "7", TAG)
    assert (found.cine.voxels == written()[:, [0, 2]]).all()


def test_a_slice_with_one_frame_less_has_its_last_one_twice(study):
    write_tagged(study)
    (study / f"21/IM-0021-{FRAMES:04d}.dcm").unlink()
    found = import_study(study, "7", TAG)
    expected = written()
    expected[-1, 1] = expected[-2, 1]
    assert (found.cine.voxels == expected).all()
    assert "missing frame" in problems(found)


def test_a_slice_with_less_than_half_of_its_frames_is_refused(study):
    write_tagged(study)
    for t in range(3, FRAMES + 1):
        (study / f"21/IM-0021-{t:04d}.dcm").unlink()
    with pytest.raises(SubjectError, match=r"IM-0021-0001\.dcm: frames lost") as raised:
        import_study(study, "7", TAG)
    assert raised.value.kind == FEW_FRAMES


def test_a_slice_that_was_acquired_again_counts_the_second_time(study):
    write_tagged(study)
    write_slice(study, 30, 1)
    found = import_study(study, "7", TAG)
    expected = written()
    expected[:, 1] = [tagged(SIZE, SIZE, 30, t + 1) for t in range(FRAMES)]
    assert (found.cine.voxels == expected).all()
    assert problems(found) == ["collision"]


def test_a_whole_series_that_was_acquired_twice_is_to_be_chosen(study):
    write_tagged(study)
    write_tagged(study, first=30)
    with pytest.raises(SubjectError, match="several candidates for the tagged cine") as raised:
        import_study(study, "7", TAG)
    assert raised.value.kind == UNCLEAR
    found = import_study(study, "7", TAG, "#30,#31,#32")
    assert (found.cine.voxels == written(first=30)).all()


def test_pictures_that_are_not_square_stay_and_wide_ones_are_turned_as_others(study, tmp_path):
    write_tagged(study, rows=80, columns=60)
    found = import_study(study, "7", TAG)
    assert found.cine.voxels.shape[2:] == (80, 60)
    write_tagged(tmp_path / "raw/8", rows=60, columns=80)
    found = import_study(tmp_path / "raw/8", "8", TAG)
    assert found.cine.voxels.shape[2:] == (80, 60)
    assert problems(found) == ["rows < columns"]


def test_a_slice_of_a_slightly_finer_matrix_comes_to_the_grid_of_the_others(study):
    write_tagged(study, slices=2)
    write_slice(study, 22, 2, rows=72, columns=72, PixelSpacing=[1.25, 1.25])
    found = import_study(study, "7", TAG)
    assert (found.cine.voxels[:, :2] == written(slices=2)).all()
    assert found.cine.voxels.shape[1] == 3
    assert "image size" in problems(found)


def test_a_slice_of_half_the_matrix_is_left_out_by_name(study):
    write_tagged(study, slices=2)
    write_slice(study, 22, 2, rows=32, columns=32, PixelSpacing=[2.8, 2.8])
    found = import_study(study, "7", TAG)
    assert (found.cine.voxels == written(slices=2)).all()
    (row,) = found.audit.to_dict("records")
    assert (row["problem"], row["image"]) == ("other series", "22/IM-0022-0001.dcm")


def test_a_sequence_that_a_folder_cannot_have_is_refused(study):
    for settings in ({**TAG, "mode": "compat"}, {**TAG, "layout": "kaggle"}):
        with pytest.raises(ValueError, match="sequence is 'tag', expected sa, or tag in mode corr"):
            import_study(study, "7", settings)
    with pytest.raises(ValueError, match="sequence is 'ao', expected sa"):
        import_study(study, "7", {**TAG, "sequence": "ao"})


def test_a_slice_whose_rows_and_columns_are_swapped_is_turned_to_the_others(study):
    write_tagged(study, slices=2)
    # Columns run along the other slices' rows reversed: the same picture, a quarter turn on.
    turned = {"row_direction": COLUMN, "column_direction": tuple(-v for v in ROW)}
    middle = (SIZE - 1) * 1.4
    corner = TOWARDS_APEX * 30 + np.array(ROW) * middle
    image = lambda *a: np.rot90(tagged(*a)).copy()  # noqa: E731
    phase = {"InPlanePhaseEncodingDirection": "COL"}
    write_slice(study, 22, 2, image, position_mm=corner, **turned, **phase)
    found = import_study(study, "7", TAG)
    assert found.cine.voxels.shape[1] == 3
    assert "rotation" in problems(found)
    assert found.cine.voxels[:, 2] == pytest.approx(written()[:, 2], abs=1)


def test_lines_in_two_directions_as_two_cines_are_to_be_chosen(study):
    write_tagged(study, SeriesDescription="tagging vertical")
    write_tagged(study, first=30, SeriesDescription="tagging horizontal")
    with pytest.raises(SubjectError, match="several candidates for the tagged cine"):
        import_study(study, "7", TAG)


def test_tagged_long_axes_are_no_tagged_short_axis(study):
    write_tagged(study)
    across = {"row_direction": tuple(TOWARDS_APEX), "column_direction": ROW}
    write_slice(study, 40, 0, frames=9, **across)
    found = import_study(study, "7", TAG)
    assert (found.cine.voxels == written()).all()
