"""Draw Dice by transfer strategy and training subset."""

from cmrseg.figures.strategies import by_strategy, figure
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.files import read_table
from cmrseg.splits import upright_rows
from stage import start

start(snakemake)
settings = snakemake.params.settings
subjects = named(map(read_table, snakemake.input.subjects), settings["labellers"], "labeller")
table = by_strategy(subjects.assign(cohort=settings["cohort"]), settings["models"])
held_out = table[table["split"] == "test"]
people = subjects[subjects["labeller"].isin(settings["observers"])]
between = upright_rows(people[people["split"] == "test"])
save(figure(held_out, observers=between), snakemake.output.svg, snakemake.output.png)
