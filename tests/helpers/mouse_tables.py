"""The subject tables of the pre-clinical study: `python tests/helpers/mouse_tables.py` writes them.

130 mice of Hanisah et al., doi:10.1016/j.jocmr.2026.102706; 17, 48, 91 and 125 have labelled frames
of inflow beside end-diastole and end-systole.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
MICE = [f"Mouse{k}" for k in range(1, 131)]
INFLOW = ("Mouse17", "Mouse48", "Mouse91", "Mouse125")
INFLOW_FRAMES = 44
TRAIN, VALIDATE = 90, 15
# Of the published notebook, and of the split that is like the paper's, which was not published.
NOTEBOOK_SEED, PAPER_SEED = 42, 1


def notebook_split(mice: Sequence[str] = MICE) -> dict[str, str]:
    """The published notebook's split: names as text, shuffled with NumPy's old generator.

    It is not the one behind the paper's numbers: two mice with inflow are in the test set.
    """
    names = sorted(mice)
    np.random.RandomState(NOTEBOOK_SEED).shuffle(names)
    return dealt(names)


def paper_like_split(mice: Sequence[str] = MICE, seed: int = PAPER_SEED) -> dict[str, str]:
    """A split like the paper's: the mice with inflow are trained on, the others drawn."""
    others = [name for name in mice if name not in INFLOW]
    order = np.random.default_rng(seed).permutation(len(others))
    return dealt([*INFLOW, *(others[i] for i in order)])


def dealt(names: Sequence[str]) -> dict[str, str]:
    """Split of each mouse: the first are trained on, then come validation and test."""
    splits = ["train"] * TRAIN + ["validate"] * VALIDATE
    splits += ["test"] * (len(names) - len(splits))
    return dict(zip(names, splits, strict=True))


def mouse_tables() -> dict[str, pd.DataFrame]:
    """Table of each split, by the name of its file in config/cohorts."""
    splits = {"preclinical.tsv": paper_like_split(), "preclinical_notebook.tsv": notebook_split()}
    return {
        name: pd.DataFrame({"subject": MICE, "split": [split[mouse] for mouse in MICE]})
        for name, split in splits.items()
    }


def as_text(table: pd.DataFrame) -> str:
    return table.to_csv(sep="\t", index=False, lineterminator="\n")


if __name__ == "__main__":
    for name, table in mouse_tables().items():
        (ROOT / "config/cohorts" / name).write_text(as_text(table), "utf-8")
