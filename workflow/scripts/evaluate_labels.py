"""Hold a labeller's maps of a cohort against the reference."""

from cmrseg.files import write_table
from cmrseg.measure.cohort_evaluation import evaluate_labels
from stage import start

start(snakemake)
splits = {row["subject"]: row["split"] for row in snakemake.params.rows}
images, subjects, summary = evaluate_labels(
    snakemake.input.labels, snakemake.input.reference, splits, snakemake.params.settings["ed"]
)
write_table(images, snakemake.output.images)
write_table(subjects, snakemake.output.subjects)
write_table(summary, snakemake.output.summary)
