"""Judge a labeller's maps of a cohort without a truth."""

import json
from pathlib import Path

from cmrseg.files import read_table, write_table
from cmrseg.quality.cohort import judged_tables, with_dice
from cmrseg.quality.model import Judge
from stage import start

start(snakemake)
given, params = snakemake.input, snakemake.params
judge = Judge.of(json.loads(Path(given.judge).read_text("utf-8")))
truth = [read_table(given[name]) for name in ("true_pictures", "true_subjects") if given[name]]
measured = with_dice(read_table(given.pictures), read_table(given.subjects), *truth)
tables = judged_tables(judge, measured, params.rows, params.unseen)
for name, table in tables._asdict().items():
    write_table(table, snakemake.output[name])
