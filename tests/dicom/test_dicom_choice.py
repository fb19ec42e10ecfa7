"""Which series of an examination are the short-axis cine."""

import re

import numpy as np
import pytest

from cmrseg.dicom.audit import NO_CINE, NO_IMAGES, TWO_EXAMINATIONS, UNCLEAR, Audit, SubjectError
from cmrseg.dicom.choice import UnclearError, choose
from cmrseg.dicom.layout import by_number
from made_frames import names, shown, stack


def chosen(*stacks, series=""):
    """Names of the files that are chosen among some series, and the audit."""
    audit = Audit("1")
    frames = [frame for frames in stacks for frame in frames]
    slices, _ = choose(frames, by_number(series), audit)
    return shown(slices), [(row[1], row[3]) for row in audit.rows]


def refusal(*stacks, series=""):
    with pytest.raises(UnclearError) as caught:
        chosen(*stacks, series=series)
    return caught.value


CINE = stack(7, 6, 8)
SINGLE = {"trigger_ms": 500.0}
HEARTBEATS = {"trigger_ms": 120.0, "acquired_s": lambda z, t: 36000 + 0.9 * t}

# What lies beside the cine in an export of a whole examination.
OTHERS = {
    "late enhancement in the same planes": stack(30, 6, 1, **SINGLE),
    "late enhancement, two kinds in one series": stack(
        30, 6, 2, **SINGLE, image_type=lambda z, t: ("ORIGINAL", "PRIMARY", "MP"[t])
    ),
    "localiser": stack(1, 1, 1) + stack(1, 1, 1, "axial") + stack(1, 1, 1, "4ch"),
    "four chambers": stack(20, 1, 8, "4ch"),
    "two chambers, more frames": stack(21, 1, 40, "2ch"),
    "a stack of long axes": stack(22, 5, 8, "4ch"),
    "axial cine, more slices": stack(23, 14, 8, "axial"),
    "perfusion, more frames": stack(40, 3, 40, **HEARTBEATS),
    "map": stack(41, 3, 1, image_type=("DERIVED", "PRIMARY", "M", "T1 MAP"), **SINGLE),
    "images of a map": stack(42, 3, 8, **HEARTBEATS),
    "phase pictures": stack(43, 6, 8, image_type=("ORIGINAL", "PRIMARY", "P")),
    "flow through one plane": stack(44, 1, 8, "axial"),
    "tags in some of its planes": stack(45, 2, 8, description="tagging"),
    "pictures derived from it": stack(47, 6, 8, image_type=("DERIVED", "SECONDARY", "M")),
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_cine_is_found_beside(other):
    others = OTHERS[other]
    for order in ((CINE, others), (others, CINE)):
        found, audit = chosen(*order)
        assert found == names(CINE)
        assert {row[0] for row in audit} == {"other series"}
        assert {name for _, name in audit} <= names(others)


def test_the_cine_is_found_among_all_of_them():
    found, audit = chosen(*OTHERS.values(), CINE)
    assert found == names(CINE)
    assert len(audit) >= len(OTHERS)


def test_a_lone_cine_leaves_nothing_out():
    assert chosen(CINE) == (names(CINE), [])


@pytest.mark.parametrize("other", ["four chambers", "phase pictures", "map"])
def test_what_is_no_short_axis_cine_is_refused_alone(other):
    error = refusal(OTHERS[other])
    assert error.kind == NO_CINE
    number = OTHERS[other][0].series_number
    assert f"#{number}" in error.detail
    assert f"series '#{number}'" in error.detail
    assert error.series["number"].tolist() == [number]


def test_a_refused_series_can_be_chosen_by_its_number():
    lone = OTHERS["four chambers"]
    assert chosen(lone, series="#20") == (names(lone), [])
    found, audit = chosen(CINE, lone, series="#20")
    assert (found, audit) == (names(lone), [("other series", CINE[0].name)])


@pytest.mark.parametrize(
    "second",
    [
        stack(9, 6, 8),
        stack(9, 5, 10),
        stack(9, 6, 8, description="post contrast"),
        [frame for z in range(6) for frame in stack(9 + z, 6, 8)[8 * z : 8 * z + 8]],
    ],
    ids=["again", "with other frames", "of another name", "again, a series for each slice"],
)
def test_of_two_equally_good_cines_one_has_to_be_chosen(second):
    error = refusal(CINE, second)
    assert error.kind == UNCLEAR
    assert "#7: 6 planes (short-axis orientation), 8 images in each" in error.detail
    assert re.search(r"choose one, with series '#\d+'", error.detail)
    assert len(error.series) == 1 + len({frame.series_number for frame in second})
    assert chosen(CINE, second, series="#7")[0] == names(CINE)
    assert chosen(CINE, second, series="!#7")[0] == names(second)


def test_a_number_that_is_not_there_is_refused_with_those_that_are():
    error = refusal(CINE, series="#8")
    assert (error.kind, "#7: 6 planes" in error.detail) == (NO_IMAGES, True)
    with pytest.raises(SubjectError, match="series is '#7,sax', expected numbers as '#7,#8'"):
        by_number("#7,sax")


def test_two_examinations_are_refused_with_a_file_of_each_unless_one_is_chosen():
    other = stack(9, 4, 8, study="2.1", reference="2.4")
    error = refusal(CINE, other)
    assert error.kind == TWO_EXAMINATIONS
    assert CINE[0].name in error.detail
    assert other[0].name in error.detail
    assert chosen(CINE, other, series="#7")[0] == names(CINE)
    # Under one number.
    same = stack(7, 6, 8, study="2.1", series="9.2", name=lambda z, t: f"other/{z}_{t}")
    assert refusal(CINE, same).kind == TWO_EXAMINATIONS


def test_an_examination_with_long_axes_alone_is_no_second_one():
    assert chosen(CINE, stack(20, 1, 8, "4ch", study="2.1"))[0] == names(CINE)


def test_identifiers_that_differ_in_every_file_say_nothing():
    unique = {
        key: lambda z, t, i=i: f"9.{i}.{z}.{t}" for i, key in enumerate(("reference", "study"))
    }
    cine = stack(7, 6, 8, **unique)
    assert chosen(cine) == (names(cine), [])
    cine = stack(7, 6, 8, series=lambda z, t: f"9.{z}.{t}")
    assert chosen(cine) == (names(cine), [])


def slice_series(numbers, planes, frames=8, **changes):
    """A series for each slice; planes: places of the slices, in slice distances."""
    made = []
    for number, z in zip(numbers, planes, strict=True):
        own = stack(number, z + 1, frames, **changes)[-frames:]
        made.append(own)
    return made


def test_slices_that_are_a_series_each_are_one_stack():
    slices = slice_series(range(10, 16), range(6), description="sax")
    found, audit = chosen(*slices, stack(3, 1, 8, "4ch"))
    assert found == names(*slices)
    assert audit == [("other series", "3/00_00")]


def test_a_slice_acquired_again_stays_for_the_collision_rule():
    slices = slice_series([*range(10, 16), 20], [*range(6), 2])
    assert chosen(*slices) == (names(*slices), [])
    again = stack(20, 2, 8)
    assert chosen(CINE, again) == (names(CINE, again), [])


def test_two_halves_of_a_stack_are_one():
    lower = stack(7, 3, 8)
    upper = stack(8, 6, 8)[3 * 8 :]
    assert chosen(lower, upper) == (names(lower, upper), [])


def test_a_slice_of_another_matrix_that_continues_the_stack_belongs_to_it():
    lower = stack(7, 5, 8)
    last = stack(8, 6, 8, pixels=np.zeros((8, 7)))[5 * 8 :]
    assert chosen(lower, last) == (names(lower, last), [])


def test_a_series_for_each_phase_is_one_cine():
    phases = [stack(10 + t, 5, 1, trigger_ms=40.0 * t) for t in range(8)]
    found, audit = chosen(*phases, stack(30, 5, 1, **SINGLE, description="lge"))
    assert found == names(*phases)
    assert audit == [("other series", "30/00_00")]


def test_pictures_that_are_all_derived_are_taken():
    cine = stack(7, 6, 8, image_type=("DERIVED", "SECONDARY", "OTHER"))
    assert chosen(cine) == (names(cine), [])


def test_the_cine_of_a_heart_that_lies_otherwise_is_found_by_its_planes():
    animal = stack(7, 6, 8, "4ch")
    assert chosen(animal, stack(8, 1, 8, "axial"), stack(9, 1, 8, "2ch"))[0] == names(animal)


def test_a_lone_slice_across_the_heart_is_the_cine_beside_long_axes():
    lone = stack(7, 1, 8)
    assert chosen(lone, stack(8, 1, 8, "2ch"), stack(9, 1, 8, "4ch"))[0] == names(lone)


def test_a_description_that_may_be_a_name_is_not_repeated_in_messages():
    error = refusal(CINE, stack(9, 6, 8, description="Zephyrine"))
    assert "Zephyrine" not in str(error)
    assert error.series["description"].tolist() == ["", "Zephyrine"]
    assert "'cine sax'" in str(refusal(CINE, stack(9, 6, 8, description="cine sax")))


def test_series_that_share_a_number_are_told_apart_in_any_order_of_files():
    first = stack(7, 6, 8, study="2.1", series="9.1", name=lambda z, t: f"b/{z}_{t}")
    second = stack(7, 6, 8, study="2.2", series="9.2", name=lambda z, t: f"a/{z}_{t}")
    for order in ((first, second), (second, first)):
        assert "with series '#7." in refusal(*order).detail
        assert chosen(*order, series="#7.1")[0] == names(first)
        assert chosen(*order, series="#7.2")[0] == names(second)
        assert chosen(*order, series="!#7.1")[0] == names(second)
    table = refusal(first, second).series
    assert table["name"].tolist() == ["#7.1", "#7.2"]
    assert table["examination"].tolist() == [1, 2]
    assert table["first"].tolist() == [first[0].name, second[0].name]


def test_magnitude_and_phase_pictures_of_one_number_are_chosen_apart():
    phase = stack(7, 6, 8, image_type=("ORIGINAL", "PRIMARY", "P"), name=lambda z, t: f"p/{z}_{t}")
    assert chosen(CINE, phase, series="#7.1")[0] == names(CINE)
    assert chosen(CINE, phase, series="#7.2")[0] == names(phase)


def test_series_of_two_examinations_are_not_taken_together_though_asked_for():
    other = stack(9, 6, 8, study="2.1", reference="2.4")
    error = refusal(CINE, other, series="#7,#9")
    assert error.kind == TWO_EXAMINATIONS
    assert CINE[0].name in error.detail
    assert other[0].name in error.detail


def reasons(*stacks, series=""):
    frames = [frame for frames in stacks for frame in frames]
    try:
        _, table = choose(frames, by_number(series), Audit("1"))
    except UnclearError as error:
        table = error.series
    return dict(zip(table["name"], table["reason"], strict=True))


def test_the_list_says_why_a_series_is_not_the_cine():
    long_axis, late = OTHERS["four chambers"], OTHERS["late enhancement in the same planes"]
    derived = OTHERS["pictures derived from it"]
    told = {
        "#7": "",
        "#20": "does not lie across the heart",
        "#30": "single images, no cine",
        "#47": "derived images (ImageType)",
        "#44": "another series is more likely the cine",
    }
    flow = OTHERS["flow through one plane"]
    assert reasons(CINE, long_axis, late, derived, flow) == told
    # What may be the cine has no reason not to be.
    assert reasons(CINE, stack(9, 6, 8), long_axis, late, derived) == {
        **{name: told[name] for name in ("#7", "#20", "#30", "#47")},
        "#9": "",
    }
    assert reasons(CINE, long_axis, late, series="#20") == {
        **{"#7": "not requested", "#20": "", "#30": "single images, no cine"}
    }
