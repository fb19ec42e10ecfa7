"""Draw the members of ensembles beside the ensembles."""

import pandas as pd

from cmrseg.figures.spread import figure, members_table
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
evaluations = iter(snakemake.input.members)
tables = []
for path, (ensemble, members) in zip(
    snakemake.input.ensembles, settings["members"].items(), strict=True
):
    own = [read_table(next(evaluations)) for _ in members]
    learnt = settings["learnt"][ensemble]
    tables.append(members_table(members, own, ensemble, read_table(path), learnt))
table = pd.concat(tables, ignore_index=True)
save(figure(table, list(settings["members"])), snakemake.output.svg, snakemake.output.png)
