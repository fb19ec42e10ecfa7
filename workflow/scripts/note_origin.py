"""Note what a prediction is of, so that nothing else of the same name takes its place."""

from cmrseg.files import replacing
from stage import start

start(snakemake)
with replacing(snakemake.output.origin) as path:
    path.write_text(f"{snakemake.params.path}\n", encoding="utf-8")
