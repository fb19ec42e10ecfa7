"""Calibrate the volumes of a cohort by subjects with known ones."""

import pandas as pd

from cmrseg.calibrate.cohort import Cohort, calibrate_cohort, with_headers
from cmrseg.calibrate.crps import write_competition
from cmrseg.files import read_table, write_table
from stage import start

start(snakemake)
given, params = snakemake.input, snakemake.params


def cohort(rows: list, volumes: list, known: str, headers: str) -> Cohort:
    tables = dict(zip(params.labellers, map(read_table, volumes), strict=True))
    about = with_headers(pd.DataFrame(rows), read_table(headers))
    return Cohort(tables, read_table(known), about)


own = cohort(params.rows, given.volumes, given.known, given.headers)
new = None
if params.new_rows:
    new = cohort(params.new_rows, given.new_volumes, given.new_known, given.new_headers)
table, distributions, scores = calibrate_cohort(own, new, params.settings)
write_table(table, snakemake.output.volumes)
write_competition(distributions, snakemake.output.distributions)
write_table(scores, snakemake.output.scores)
