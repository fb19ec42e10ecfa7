"""Hold a labeller's maps of a cohort against the reference."""

import time

from cmrseg.files import write_table
from cmrseg.measure.cohort_evaluation import evaluate_labels
from cmrseg.measure.cohort_summary import overall_scores
from cmrseg.measure.labellers import LabelMaps
from cmrseg.results.record import record
from stage import start

start(snakemake)
started = time.time()
cohort, settings = snakemake.wildcards.cohort, snakemake.params.settings
names = {"labeller": snakemake.wildcards.labeller, "reference": snakemake.params.reference}
shards = {"labeller": snakemake.input.labels, "reference": snakemake.input.reference}
sides = {
    side: LabelMaps(name, cohort, shards[side], **snakemake.params.maps[side])
    for side, name in names.items()
}
splits = {row["subject"]: row["split"] for row in snakemake.params.rows}
es_frames = {row["subject"]: row["es_frame"] for row in snakemake.params.rows if "es_frame" in row}
found = evaluate_labels(
    sides["labeller"], sides["reference"], splits, **settings, es_frames=es_frames
)
for name, table in found._asdict().items():
    write_table(table, snakemake.output[name])
record(
    snakemake.output.record,
    settings={"cohort": cohort, **names, **settings},
    code=snakemake.params.code,
    inputs=dict.fromkeys([*shards["labeller"], *shards["reference"]]),
    seed=None,
    device="cpu",
    started=started,
    scores=overall_scores(found.summary),
)
