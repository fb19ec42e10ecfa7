"""How deep a scar goes, and how much of each segment it takes, in hearts of circles."""

import numpy as np
import pytest

from annular_heart import AFFINE, CENTRE, annulus, reversed_along, turned
from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.transmurality import scar_table, wall_of
from cmrseg.phenotypes.examination import Examination
from cmrseg.phenotypes.scar import COLUMNS, measured

ENDO_PX, EPI_PX = 12.0, 22.0
# With the septum at the left of the picture and the base at the head, anterior is above.
Y, X = np.mgrid[: 2 * CENTRE + 1, : 2 * CENTRE + 1] - CENTRE
FAR = np.hypot(X, Y)
ANGLE_DEG = np.degrees(np.arctan2(-X, -Y))
# Pixels that are cut by a circle put a line's depth off by up to half a pixel; a mean less.
NEAR = 2.0
# Lines along the end of a scar go through some of its pixels.
EDGE = 6.0


def heart(depth=0.0, within_deg=180.0, tissue=Tissue.SCAR, slices=6, affine=AFFINE, outer=False):
    """An annulus whose wall is ill from the endocardium (or epicardium) to a part of its depth.

    within_deg: half the angle of what is ill, around the anterior wall.
    """
    labels = annulus(ENDO_PX, EPI_PX, slices, affine=affine)
    part = (FAR - ENDO_PX) / (EPI_PX - ENDO_PX)
    ill = (part > 1 - depth) if outer else (part <= depth)
    chosen = ill & (abs(ANGLE_DEG) <= within_deg) & (labels.voxels == Tissue.MYO)
    return labels.like(np.where(chosen, tissue, labels.voxels).astype(np.uint8))


def by_segment(labels):
    return scar_table(wall_of(labels)).set_index("segment")


@pytest.mark.parametrize("outer", [False, True])
@pytest.mark.parametrize("depth", [0.2, 0.5, 0.8, 1.0])
def test_the_depth_of_a_scar_all_around_is_its_transmurality(depth, outer):
    table = by_segment(heart(depth, outer=outer))
    assert len(table) == 17
    assert table["transmurality_percent"].to_numpy() == pytest.approx(100 * depth, abs=NEAR)
    assert table["depth_percent"].to_numpy() == pytest.approx(100 * depth, abs=NEAR)
    assert (table["scarred_percent"] == 100).all()
    # The area of a ring between two circles, of that between the outermost.
    edge = ENDO_PX + (depth if not outer else 1 - depth) * (EPI_PX - ENDO_PX)
    share = (edge**2 - ENDO_PX**2) / (EPI_PX**2 - ENDO_PX**2)
    share = 1 - share if outer else share
    assert table.loc["global", "scar_percent"] == pytest.approx(100 * share, abs=NEAR)


def test_a_scar_of_the_anterior_wall_is_in_its_segments_alone():
    table = by_segment(heart(0.5, within_deg=30))
    whole = table.loc[["1", "7"]]
    assert whole["transmurality_percent"].to_numpy() == pytest.approx(50, abs=NEAR)
    assert whole["scarred_percent"].to_numpy() == pytest.approx(100, abs=NEAR)
    # Of the 90 degrees of the apical segment it has 60.
    apical = table.loc["13"]
    assert apical["transmurality_percent"] == pytest.approx(50 * 60 / 90, abs=NEAR)
    assert apical["depth_percent"] == pytest.approx(50, abs=EDGE)
    assert apical["scarred_percent"] == pytest.approx(100 * 60 / 90, abs=EDGE)
    others = table.drop(["1", "7", "13", "global"])
    assert others["transmurality_percent"].max() < 1
    assert table.loc["global", "transmurality_percent"] == pytest.approx(50 * 60 / 360, abs=NEAR)


def test_a_thin_rim_and_a_transmural_patch_are_told_apart():
    rim, patch = by_segment(heart(0.3)), by_segment(heart(1.0, within_deg=9))
    # 18 of the 60 degrees of the segment.
    assert patch.loc["1", "transmurality_percent"] == pytest.approx(30, abs=NEAR)
    assert rim.loc["1", "transmurality_percent"] == pytest.approx(30, abs=NEAR)
    assert patch.loc["1", "depth_percent"] > 75
    assert rim.loc["1", "depth_percent"] == pytest.approx(30, abs=NEAR)


def test_oedema_is_wall_and_no_scar():
    table = by_segment(heart(1.0, within_deg=30, tissue=Tissue.EDEMA))
    assert (table["transmurality_percent"] == 0).all()
    assert table.loc["1", "edema_percent"] == pytest.approx(100, abs=NEAR)
    assert table.loc["4", "edema_percent"] == 0


def test_a_heart_without_scar_has_no_depth_of_it():
    table = by_segment(heart())
    assert (table[["transmurality_percent", "scar_percent", "edema_percent"]] == 0).all(axis=None)
    assert table["depth_percent"].isna().all()
    assert (table["lines"] > 0).all()


def test_segments_do_not_depend_on_how_the_array_lies():
    labels = heart(0.5, within_deg=25)
    others = [reversed_along(labels, axis) for axis in (0, 1, 2)]
    others.append(heart(0.5, within_deg=25, affine=turned(AFFINE, 1, 40)))
    columns = ["transmurality_percent", "scarred_percent", "scar_percent"]
    expected = by_segment(labels)[columns].to_numpy()
    for other in others:
        assert by_segment(other)[columns].to_numpy() == pytest.approx(expected, abs=2 * NEAR)


def test_pixels_that_are_not_square_do_not_change_the_depth():
    labels = heart(0.5)
    # Every second column, 2 mm wide.
    wide = Cine(np.ascontiguousarray(labels.voxels[..., ::2]), AFFINE @ np.diag([2.0, 1, 1, 1]))
    table = by_segment(wide)
    assert table.loc["global", "transmurality_percent"] == pytest.approx(50, abs=NEAR)
    # The wall is 5 such pixels: half a pixel is 10 %.
    assert table["transmurality_percent"].to_numpy() == pytest.approx(50, abs=10)


def test_a_slice_that_is_all_scar_still_is_a_slice():
    labels = heart(slices=3)
    labels.voxels[0, 2][labels.voxels[0, 2] == Tissue.MYO] = Tissue.SCAR
    table = by_segment(labels)
    assert table.loc[["13", "14", "15", "16"], "transmurality_percent"].tolist() == [100] * 4
    assert table.loc["global", "transmurality_percent"] == pytest.approx(100 / 3, abs=0.1)


# -- refusals ---------------------------------------------------------------------------------


def test_two_slices_do_not_tell_base_middle_and_apex():
    with pytest.raises(ValueError, match="2 slices have 10 pixels of cavity and of wall, expected"):
        wall_of(heart(slices=2))


def test_a_gap_between_slices_is_refused():
    labels = heart(slices=5)
    labels.voxels[0, 2][np.isin(labels.voxels[0, 2], (Tissue.MYO, Tissue.SCAR))] = 0
    with pytest.raises(ValueError, match=r"slice 3 \(from 1\) has fewer than 10 pixels of cavity"):
        wall_of(labels)


def test_several_frames_are_refused():
    labels = heart()
    with pytest.raises(ValueError, match="2 frames, expected the one"):
        wall_of(Cine(np.concatenate([labels.voxels] * 2), AFFINE))


# -- of a panel -------------------------------------------------------------------------------


def test_an_examination_has_volumes_and_columns_by_segment():
    labels = heart(0.5, within_deg=30)
    found = measured(Examination("7", {}, {"c0": labels}, {}), "corrected")
    assert set(found.values) == set(COLUMNS)
    scar = (labels.voxels == Tissue.SCAR).sum()
    # Voxels of 8 mm³.
    assert found.values["scar_ml"] == pytest.approx(scar * 8 / 1000)
    assert found.values["scar_g"] == pytest.approx(1.05 * scar * 8 / 1000)
    assert found.values["transmurality_1_percent"] == pytest.approx(50, abs=NEAR)
    assert found.values["scar_global_percent"] == pytest.approx(found.values["scar_percent"])
    assert len(found.details) == 17
    assert not found.doubt
