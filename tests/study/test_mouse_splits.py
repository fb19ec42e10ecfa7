"""The splits of the published mice: the notebook's to the mouse, and one like the paper's."""

from collections import Counter

import pytest

from mouse_tables import (
    INFLOW,
    INFLOW_FRAMES,
    MICE,
    as_text,
    mouse_tables,
    notebook_split,
    paper_like_split,
)
from tiny_study import ROOT

VALIDATION = "5 19 25 33 34 35 39 61 63 64 80 82 92 93 128"
TEST = "6 10 12 15 29 36 46 49 56 60 65 71 74 75 78 79 87 89 91 99 100 111 117 118 125"


def of(split: dict[str, str], name: str) -> list[int]:
    return sorted(int(mouse.removeprefix("Mouse")) for mouse in split if split[mouse] == name)


def stacks(split: dict[str, str]) -> dict[str, int]:
    """Labelled frames of each set: two of a mouse, and those of inflow, 11 of each of four."""
    counts = Counter(split.values())
    frames = {name: 2 * count for name, count in counts.items()}
    for mouse in INFLOW:
        frames[split[mouse]] += INFLOW_FRAMES // len(INFLOW)
    return frames


def test_the_notebook_s_split_is_the_printed_one():
    split = notebook_split()
    assert of(split, "validate") == list(map(int, VALIDATION.split()))
    assert of(split, "test") == list(map(int, TEST.split()))
    assert len(of(split, "train")) == 90
    assert {17, 48} < set(of(split, "train"))


def test_a_split_like_the_paper_s_has_its_numbers_of_stacks():
    split = paper_like_split()
    assert stacks(split) == {"train": 224, "validate": 30, "test": 50}
    assert all(split[mouse] == "train" for mouse in INFLOW)


def test_the_seed_decides_the_split():
    assert paper_like_split() == paper_like_split(seed=1) != paper_like_split(seed=2)


@pytest.mark.parametrize("name", mouse_tables())
def test_the_tables_are_those_that_their_script_writes(name):
    table = mouse_tables()[name]
    assert table["subject"].tolist() == MICE
    assert (ROOT / "config/cohorts" / name).read_text("utf-8") == as_text(table), (
        f"config/cohorts/{name} is not what tests/helpers/mouse_tables.py makes; run it"
    )
