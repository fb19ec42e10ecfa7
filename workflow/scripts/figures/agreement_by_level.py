"""Draw Dice and Hausdorff distance at base, mid and apex."""

from cmrseg.figures.by_level import by_level, figure
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
images = named(map(read_table, snakemake.input.images), settings["labellers"], "labeller")
drawn = figure(by_level(images, settings["seen"]), order=settings["labellers"])
save(drawn, snakemake.output.svg, snakemake.output.png)
