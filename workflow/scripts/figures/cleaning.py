"""Draw stacks before and after cleaning, and how often each problem was found."""

from pathlib import Path

import pandas as pd

from cmrseg.figures.cleaning import figure
from cmrseg.figures.stacks import most_repaired, read_stack
from cmrseg.figures.style import save
from cmrseg.files import read_table
from cmrseg.shards import subject_folders
from stage import start

start(snakemake)
settings = snakemake.params.settings
audit = read_table(snakemake.input.audit)
images = subject_folders(snakemake.input.images)
rows = pd.DataFrame(settings["rows"])
# A shard's raw folder stands at the shard's place; without shards all lie in one folder.
raws = [Path(path) for path in snakemake.input.raw]
stacks = []
for subject in most_repaired(audit, list(images)):
    place = rows.index[rows["subject"] == subject][0]
    raw = raws[place // settings["subjects_per_job"] if len(raws) > 1 else 0]
    stacks.append(read_stack(rows.loc[place], raw, settings, images[subject]))
save(figure(stacks, audit), snakemake.output.svg, snakemake.output.png)
