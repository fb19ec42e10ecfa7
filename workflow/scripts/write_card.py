"""Write the card of a model: what it is, what it learnt from, how good it is, how to use it."""

from cmrseg.learn.card import write_card
from stage import start

start(snakemake)
write_card(
    snakemake.params.model,
    dict(snakemake.input.items()),
    snakemake.output.card,
    snakemake.params.phantom,
)
