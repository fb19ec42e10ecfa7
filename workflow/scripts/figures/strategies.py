"""Draw Dice by transfer strategy and training subset."""

import pandas as pd

from cmrseg.figures.strategies import by_strategy, figure
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.files import read_table
from cmrseg.splits import upright_rows
from stage import start

start(snakemake)
settings = snakemake.params.settings
subjects = named(map(read_table, snakemake.input.subjects), settings["labellers"], "labeller")
names = [(ensemble, member) for ensemble, own in settings["members"].items() for member in own]
members = [
    read_table(path).assign(labeller=ensemble, member=member)
    for (ensemble, member), path in zip(names, snakemake.input.members, strict=True)
    if "test" not in settings["learnt"][ensemble]
]
table = pd.concat([subjects.assign(member=""), *members], ignore_index=True)
table = by_strategy(table.assign(cohort=settings["cohort"]), settings["models"])
held_out = table[table["split"] == "test"]
itself, seeds = (held_out[(held_out["member"] != "") == member] for member in (False, True))
people = subjects[subjects["labeller"].isin(settings["observers"])]
between = upright_rows(people[people["split"] == "test"])
save(figure(itself, observers=between, members=seeds), snakemake.output.svg, snakemake.output.png)
