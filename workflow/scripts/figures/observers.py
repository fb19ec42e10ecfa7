"""Draw how far observers and models differ in volumes and in Dice."""

from cmrseg.figures.observers import figure, observer_differences
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.files import read_table
from cmrseg.splits import upright_rows
from stage import start

start(snakemake)
settings = snakemake.params.settings
names, reference = settings["labellers"], settings["reference"]
people = [reference, *settings["observers"]]
curves = dict(zip(names, map(read_table, snakemake.input.curves), strict=True))
curves[reference] = read_table(snakemake.input.reference)
measures = dict(zip(people, map(read_table, snakemake.input.measures), strict=True))
dice = upright_rows(named(map(read_table, snakemake.input.subjects), names, "method"))
# Only volunteers whom every observer labelled can show what observers differ by.
both = set(curves[people[-1]]["subject"])
dice = dice[dice["subject"].isin(both)].rename(columns={"subject": "volunteer"})
table = observer_differences(curves, measures, people)
table = table[table["volunteer"].isin(both)]
drawn = figure(table, dice.assign(reference=reference), observers=people, order=names)
save(drawn, snakemake.output.svg, snakemake.output.png)
