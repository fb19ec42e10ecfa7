"""Write what an ensemble's folder says of it: its card for people, and its record for programs."""

import time

from cmrseg.learn.ensemble_card import write_ensemble_card
from cmrseg.results.labelling import facts_of
from cmrseg.results.record import record
from stage import start

start(snakemake)
started = time.time()
model = snakemake.params.model
scores = write_ensemble_card(
    model,
    snakemake.input.weights,
    dict(zip(model["members"], snakemake.input.histories, strict=True)),
    snakemake.output.card,
    snakemake.params.phantom,
    snakemake.input.calibration,
)
record(
    snakemake.output.record,
    settings=model | facts_of(model),
    code=snakemake.params.code,
    inputs=[snakemake.input.weights, *snakemake.input.histories],
    seed=model["seed"],
    device="cpu",
    started=started,
    scores=scores,
)
