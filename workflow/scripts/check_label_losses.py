"""End the run where too many of an annotator's labels are lost; else say how many are."""

from cmrseg.dicom.audit import check_losses
from cmrseg.files import read_table, replacing
from stage import start

start(snakemake)
sentence = check_losses(
    read_table(snakemake.input.audit),
    snakemake.params.subjects,
    snakemake.params.max_failed_fraction,
    f"cohort {snakemake.wildcards.cohort}",
    f"have labels of {snakemake.wildcards.labeller} that could not be read",
)
with replacing(snakemake.output.passed) as path:
    path.write_text(f"{sentence}\n", "utf-8")
