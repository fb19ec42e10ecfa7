"""Series that are more or less than one cine: several orientations, echoes, frames of one cine."""

import math

import numpy as np
import pytest

from cmrseg.dicom.audit import NO_CINE, UNCLEAR, Audit
from cmrseg.dicom.choice import UnclearError, choose
from cmrseg.dicom.layout import by_number
from made_frames import PLANES, names, shown, stack

CINE = stack(7, 5, 8, trigger_ms=lambda z, t: 40.0 * t)


def chosen(*stacks, series=""):
    """Slices that are chosen, and problems of the audit."""
    audit = Audit("1")
    slices, _ = choose([f for frames in stacks for f in frames], by_number(series), audit)
    return slices, [row[1] for row in audit.rows]


def refusal(*stacks):
    with pytest.raises(UnclearError) as caught:
        chosen(*stacks)
    return caught.value


def split(part_of, **changes):
    """The cine, each frame in the series of this number."""

    def of(z, t):
        return part_of(z, t)

    changes = {"trigger_ms": lambda z, t: 40.0 * t, **changes}
    return stack(7, 5, 8, series_number=of, series=lambda z, t: f"1.2.{of(z, t)}", **changes)


@pytest.mark.parametrize("count", [1, 3, 9])
@pytest.mark.parametrize("series", ["", "#7"])
def test_short_axes_are_found_among_long_axes_of_their_own_series(count, series):
    views = stack(7, count, 8, "4ch", name=lambda z, t: f"4ch/{z}_{t}")
    views += stack(7, 1, 8, "2ch", name=lambda z, t: f"2ch/{z}_{t}")
    for order in ((CINE, views), (views, CINE)):
        slices, problems = chosen(*order, series=series)
        assert shown(slices) == names(CINE)
        assert problems == ["orientation"] * (count + 1)


@pytest.mark.parametrize(
    "part_of",
    [lambda z, t: 7 + (t > 5), lambda z, t: 7 + ((t + z) % 3 > 0), lambda z, t: 10 + t],
    ids=["one after the other", "mixed", "each frame"],
)
@pytest.mark.parametrize("asked", [False, True])
def test_frames_of_one_cine_in_several_series_are_put_together(part_of, asked):
    cine = split(part_of)
    numbers = sorted({f.series_number for f in cine})
    slices, _ = chosen(cine, series=",".join(f"#{n}" for n in numbers) if asked else "")
    assert shown(slices) == names(cine)
    assert [len(plane) for plane in slices] == [8] * 5


def test_frames_in_series_with_other_planes_are_put_together_where_asked_for():
    cine = split(lambda z, t: 7 + (z > 0 and t > 4))
    assert refusal(cine).kind == UNCLEAR
    assert [len(plane) for plane in chosen(cine, series="#7,#8")[0]] == [8] * 5


@pytest.mark.parametrize("first_number", [1, 101])
@pytest.mark.parametrize("shift_ms", [0, 3, 20])
def test_two_cines_of_the_same_planes_are_not_put_together(first_number, shift_ms):
    other = stack(
        9,
        5,
        8,
        trigger_ms=lambda z, t: 40.0 * t + shift_ms,
        instance_number=lambda z, t: first_number + 8 * z + t,
    )
    assert refusal(CINE, other).kind == UNCLEAR


def test_two_stacks_between_each_other_are_two_cines_unless_the_header_leaves_room():
    row_of, column_of = PLANES["sax"]
    normal = np.cross(row_of, column_of)

    def two(step_mm):
        first = stack(7, 5, 8, step_mm=step_mm, slice_distance_mm=step_mm)
        moved = {"position_mm": lambda z, t: tuple(normal * step_mm * (z + 0.5))}
        return first, stack(8, 5, 8, slice_distance_mm=step_mm, **moved)

    assert refusal(*two(10.0)).kind == UNCLEAR
    first, second = two(20.0)
    assert shown(chosen(first, second)[0]) == names(first, second)


ONE_EACH = {
    "EchoNumbers": {"echo": lambda z, t: t + 1},
    "EchoTime": {"echo_ms": lambda z, t: 2.0 * t + 1},
    "InversionTime": {"inversion_ms": lambda z, t: 100.0 + 200 * t},
}


@pytest.mark.parametrize("tag", ONE_EACH)
@pytest.mark.parametrize("trigger_ms", [500.0, math.nan])
def test_images_of_several_echoes_or_inversion_times_are_no_cine(tag, trigger_ms):
    series = stack(9, 5, 8, trigger_ms=trigger_ms, **ONE_EACH[tag])
    error = refusal(series)
    assert error.kind == NO_CINE
    assert f"{tag} differs between images" in error.detail
    assert shown(chosen(CINE, series)[0]) == names(CINE)


def test_slices_side_by_side_in_one_picture_are_no_cine():
    error = refusal(stack(9, 1, 8, image_type=("ORIGINAL", "PRIMARY", "M", "MOSAIC")))
    assert "several slices in one image (ImageType MOSAIC)" in error.detail


def test_slices_of_another_sequence_do_not_complete_a_stack():
    cine = stack(7, 5, 8, echo_ms=1.2, flip_deg=50.0)
    tagged = stack(9, 2, 8, echo_ms=3.9, flip_deg=12.0)
    assert shown(chosen(cine, tagged)[0]) == names(cine)
    # Slices may have been limited in their flip angle.
    again = stack(9, 2, 8, echo_ms=1.25, flip_deg=60.0)
    assert shown(chosen(cine, again)[0]) == names(cine, again)
