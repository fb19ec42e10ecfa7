"""Calibrate a model by subjects with known volumes, for the images that it labels later."""

import pandas as pd

from cmrseg.calibrate.cohort import Cohort
from cmrseg.calibrate.model_file import write_calibration
from cmrseg.calibrate.of_model import calibrate_model
from cmrseg.files import read_table, sha256
from stage import start

start(snakemake)
given, settings = snakemake.input, snakemake.params.settings
cohort = Cohort(
    {snakemake.wildcards.model: read_table(given.volumes)},
    read_table(given.known),
    pd.DataFrame(snakemake.params.rows),
)
found = calibrate_model(cohort, settings, sha256(given.weights))
write_calibration(found, snakemake.output.calibration)
