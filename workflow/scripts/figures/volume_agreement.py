"""Draw volumes and ejection fraction of each labeller against the truth."""

import pandas as pd

from cmrseg.figures.style import save
from cmrseg.figures.tables import against_truth, named
from cmrseg.figures.volume_agreement import figure
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
volumes = named(map(read_table, snakemake.input.volumes), settings["labellers"], "labeller")
known = pd.DataFrame(settings["subjects"])
truth = known if settings["known_volumes"] else read_table(snakemake.input.reference)
table = against_truth(volumes, truth)
save(figure(table, order=settings["labellers"]), snakemake.output.svg, snakemake.output.png)
