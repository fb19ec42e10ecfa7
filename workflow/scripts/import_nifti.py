"""Take a shard's NIfTI or HDF5 files, or the published pictures, as images."""

from functools import partial
from pathlib import Path

import pandas as pd

from cmrseg.files import replacing, write_table
from cmrseg.layouts.hdf5 import grids_of, reader
from cmrseg.layouts.myops import import_cases
from cmrseg.layouts.nifti import read_pair, read_whole
from cmrseg.layouts.png import read_pictures
from cmrseg.layouts.ready_made import import_studies
from cmrseg.layouts.tagging import reader as tagging_reader
from cmrseg.layouts.tagging import wanted_of
from stage import start

start(snakemake)
rows = pd.DataFrame(snakemake.params.rows)
layout, sequences = snakemake.params.layout, snakemake.params.sequences
as_stored = snakemake.params.mode == "compat"
whole = partial(read_whole, as_stored=as_stored, lone=len(sequences) == 1)
readers = {"nifti": whole, "ukbb": read_pair, "png": read_pictures}
with replacing(snakemake.output.images) as images:
    images.mkdir()
    raw = Path(snakemake.input.raw)
    if layout == "myops":
        audit, headers = import_cases(rows, raw, images, sequences, as_stored)
    else:
        if layout == "hdf5":
            readers[layout] = reader(grids_of(rows))
        elif layout == "tagging":
            readers[layout] = tagging_reader(wanted_of(rows))
        read = readers[layout]
        audit, headers = import_studies(rows, raw, images, read, sequences)
write_table(audit, snakemake.output.audit)
write_table(headers, snakemake.output.headers)
