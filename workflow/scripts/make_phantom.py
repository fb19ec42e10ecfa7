"""Write the raw files of a shard's subjects, made by the digital heart."""

from pathlib import Path

import pandas as pd

from cmrseg.files import replacing
from cmrseg.phantom import kaggle, preclinical, seven_tesla, ukbb
from stage import start

start(snakemake)
WRITERS = {"kaggle": kaggle, "folder": seven_tesla, "ukbb": ukbb, "hdf5": preclinical}
rows = pd.DataFrame(snakemake.params.rows)
with replacing(snakemake.output.raw) as folder:
    folder.mkdir()
    WRITERS[snakemake.params.layout].write_shard(rows, snakemake.params.settings, Path(folder))
