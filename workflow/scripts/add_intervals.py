"""Intervals of the volumes of a model, by the calibration in its folder."""

from cmrseg.calibrate.model_file import calibration_in, interval_table
from cmrseg.files import read_table, sha256, write_table
from stage import start

start(snakemake)
given = snakemake.input
table = interval_table(
    read_table(given.volumes),
    calibration_in(given.calibration),
    sha256(given.weights),
    snakemake.params.settings["ed"],
)
write_table(table, snakemake.output.intervals)
