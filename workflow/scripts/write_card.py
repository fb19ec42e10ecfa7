"""Write what a model's folder says of it: its card for people, and its record for programs."""

from cmrseg.learn.trained_card import write_card
from cmrseg.results.labelling import facts_of
from cmrseg.results.record import copy_record
from stage import start

start(snakemake)
model = snakemake.params.model
write_card(
    model,
    dict(snakemake.input.items()),
    snakemake.output.card,
    snakemake.params.phantom,
)
settings = model | facts_of(model)
copy_record(snakemake.input.record, snakemake.output.record, settings=settings)
