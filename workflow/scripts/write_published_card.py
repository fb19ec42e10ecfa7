"""Write the card of converted published weights from their entry in the catalogue."""

from cmrseg.files import replacing
from cmrseg.nets.published import model_variables
from cmrseg.results.model_card import count_parameters, published_card
from stage import start

start(snakemake)
name, entry = snakemake.wildcards.weights, snakemake.params.entry
text = published_card(name, entry, count_parameters(model_variables(entry)))
with replacing(snakemake.output.card) as temporary:
    temporary.write_text(text, encoding="utf-8")
