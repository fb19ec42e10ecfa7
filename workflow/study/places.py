"""Folders of raw files that a study names and that are not there, and where a prediction is."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from study.raw_state import on_disk


def missing_folders(
    cohorts: Mapping[str, Mapping[str, Any]], sources: Collection[str]
) -> list[str]:
    """A sentence for each cohort whose raw folder is not there.

    cohorts: settings by name. sources: names of what can be downloaded; of these nothing is said.
    """
    return [
        f"cohort {name}: the folder of raw files, {raw}, does not exist; correct `raw` of the "
        "study, or put the files there"
        for name, cohort in cohorts.items()
        if (raw := cohort.get("raw", ""))
        and on_disk(raw, sources) == raw
        and not Path(raw).is_dir()
    ]


def results_of_prediction(study: str) -> str:
    """Where the results of `predict_all` are, in one sentence."""
    folder = f"results/{study}"
    return (
        f"Results are in {folder}: label maps in cohorts/input/labels, volumes in "
        "cohorts/input/volumes, figures in figures"
    )
