"""Write a model as a MONAI bundle."""

from pathlib import Path

from cmrseg.export.monai import write_bundle
from cmrseg.files import replacing
from stage import start

start(snakemake)
with replacing(snakemake.output.folder) as folder:
    folder.mkdir()
    write_bundle(Path(snakemake.input.weights).parent, folder)
