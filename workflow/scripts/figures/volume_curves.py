"""Draw the LV volume over the cycle of some subjects."""

from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.figures.volume_curves import TRUTH, figure
from cmrseg.files import read_table
from cmrseg.splits import upright_rows
from stage import start

start(snakemake)
settings = snakemake.params.settings
names = settings["labellers"]
given = snakemake.input


def together(reference, others):
    """Rows of the reference and of the labellers, each subject in one orientation."""
    return upright_rows(named(map(read_table, [reference, *others]), [TRUTH, *names], "labeller"))


curves = together(given.reference_curves, given.curves)
volumes = together(given.reference_volumes, given.volumes)
save(figure(curves, volumes, order=names), snakemake.output.svg, snakemake.output.png)
