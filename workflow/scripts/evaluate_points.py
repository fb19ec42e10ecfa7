"""Hold a labeller's points of a cohort against the reference."""

import time

from cmrseg.files import write_table
from cmrseg.measure.point_cohorts import PointLabels, evaluate_point_labels, overall_point_scores
from cmrseg.results.record import record
from stage import start

start(snakemake)
started = time.time()
cohort, sequence = snakemake.wildcards.cohort, snakemake.params.sequence
names = {"labeller": snakemake.wildcards.labeller, "reference": snakemake.params.reference}
shards = {"labeller": snakemake.input.labels, "reference": snakemake.input.reference}
sides = {side: PointLabels(name, cohort, shards[side], sequence) for side, name in names.items()}
splits = {row["subject"]: row["split"] for row in snakemake.params.rows}
found = evaluate_point_labels(sides["labeller"], sides["reference"], snakemake.input.images, splits)
for name, table in found._asdict().items():
    write_table(table, snakemake.output[name])
record(
    snakemake.output.record,
    settings={"cohort": cohort, "sequence": sequence, **names},
    code=snakemake.params.code,
    inputs=dict.fromkeys([*shards["labeller"], *shards["reference"]]),
    seed=None,
    device="cpu",
    started=started,
    scores=overall_point_scores(found.summary),
)
