"""Calibrate the volumes of the published networks, and score the distributions."""

from pathlib import Path

from cmrseg.calibrate.crps import write_competition
from cmrseg.files import write_table
from cmrseg.published.calibration import calibrated_tables, scores_table
from stage import start

start(snakemake)
folder = Path(snakemake.input.tables)
volumes, distributions = calibrated_tables(folder)
write_table(volumes, snakemake.output.volumes)
write_competition(distributions, snakemake.output.distributions)
write_table(scores_table(folder), snakemake.output.scores)
