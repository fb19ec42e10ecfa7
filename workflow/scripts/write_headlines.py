"""Write the first page of the report."""

from pathlib import Path

from cmrseg.files import read_table, replacing
from cmrseg.results.headlines import Evaluated, Picture, headlines
from stage import start

start(snakemake)
given, params = snakemake.input, snakemake.params
tables = iter(given.summaries)
evaluated = [
    Evaluated(labeller, cohort, [read_table(next(tables)) for _ in range(count)])
    for labeller, cohort, count in params.evaluated
]
pictures = [
    Picture(name, Path(path).read_bytes())
    for name, path in zip(params.pictures, given.pictures, strict=True)
]
page = headlines(snakemake.wildcards.study, params.facts, evaluated, pictures)
with replacing(snakemake.output.page) as temporary:
    temporary.write_text(page, "utf-8", newline="\n")
