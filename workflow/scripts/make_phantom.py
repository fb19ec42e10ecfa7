"""Write the raw files of a shard's subjects, made by the digital heart."""

from pathlib import Path

import pandas as pd

from cmrseg.files import replacing
from cmrseg.phantom import (
    kaggle,
    myops,
    patient_files,
    patient_zips,
    preclinical,
    seven_tesla,
    tagging_hdf5,
    ukbb,
)
from stage import start

start(snakemake)
WRITERS = {
    "kaggle": kaggle,
    "folder": seven_tesla,
    "nifti": patient_files,
    "ukbb": ukbb,
    "ukbb_dicom": patient_zips,
    "hdf5": preclinical,
    "myops": myops,
    "tagging": tagging_hdf5,
}
rows = pd.DataFrame(snakemake.params.rows)
settings, layout = snakemake.params.settings, snakemake.params.layout
# Atria and aorta are part of the heart where it is seen in other views than the short axis.
views = layout == "ukbb" and "sequences" in settings
writer = patient_files if views else WRITERS[layout]
with replacing(snakemake.output.raw) as folder:
    folder.mkdir()
    writer.write_shard(rows, settings, Path(folder))
