"""Draw loss and Dice over the training of a cohort's models."""

from pathlib import Path

from cmrseg.figures.learning_curves import figure
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.files import read_table
from stage import start

start(snakemake)
paths = list(snakemake.input.histories)
models = [Path(path).parent.name for path in paths]
table = named(map(read_table, paths), models, "model")
save(figure(table, order=models, x="images"), snakemake.output.svg, snakemake.output.png)
