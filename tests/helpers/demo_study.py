"""A demo study of the project in a copy: as it is, or with few subjects and short trainings."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from cmrseg.files import read_table, write_table
from tiny_study import Project, copy_project


def run_demo(folder: Path, config: str) -> Project:
    """A copy in a folder in which a study was run, on all cores."""
    return _run(copy_project(folder), config)


def run_short_demo(
    folder: Path, config: str, models: str, tables: Iterable[str], subjects: int, **columns: int
) -> Project:
    """The same with as many subjects of each split, and other cells in all rows of its models.

    models, tables: paths of the models table and of the subject tables. columns: of the models.
    """
    project = copy_project(folder)
    for name in tables:
        table = read_table(project.folder / name)
        write_table(table.groupby("split", sort=False).head(subjects), project.folder / name)
    # As text: an empty cell in a column of numbers stays empty.
    rows = pd.read_csv(project.folder / models, sep="\t", dtype=str, keep_default_na=False)
    write_table(rows.assign(**columns), project.folder / models)
    return _run(project, config)


def _run(project: Project, config: str) -> Project:
    done = project.snakemake("--cores", "all", config=config)
    assert done.returncode == 0, done.stdout[-5000:]
    return project
