"""Paths of a study that a workflow cannot use: refused before any job starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study_tables import StudyError

if TYPE_CHECKING:
    from study import Study


def check_paths(study: Study) -> None:
    """Snakemake takes what stands in braces for a wildcard."""
    paths = {"published_tables": study.config["published_tables"]}
    paths |= {f"weights {name}": about["folder"] for name, about in study.given.items()}
    for name, cohort in study.cohorts.items():
        paths[f"cohort {name}: raw"] = cohort.get("raw", "")
        for annotator in cohort["annotators"]:
            raw = study.annotator(name, annotator)["raw"]
            paths[f"cohort {name}: annotator {annotator}: raw"] = raw
    for where, path in paths.items():
        if "{" in path or "}" in path:
            raise StudyError(
                f"{where} is {path}; no brace may stand in a path: rename the folder or name a link"
            )
