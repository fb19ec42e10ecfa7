"""Measure what the repairs of the import are worth."""

import pandas as pd

from cmrseg.files import read_table, write_table
from cmrseg.measure.repairs import STRAIN, worth_of_repairs
from stage import start

start(snakemake)
given, params = snakemake.input, snakemake.params
volumes = {
    labeller: {"on": read_table(on), "off": read_table(off)}
    for labeller, on, off in zip(params.labellers, given.on, given.off, strict=True)
}
if params.strain:
    for repair, tables in volumes[params.strain].items():
        measured = read_table(given[f"strain_{repair}"])[["subject", *STRAIN.values()]]
        volumes[params.strain][repair] = tables.merge(measured, on="subject", how="left")
subjects, summary = worth_of_repairs(volumes, pd.DataFrame(params.rows))
write_table(subjects, snakemake.output.subjects)
write_table(summary, snakemake.output.summary)
