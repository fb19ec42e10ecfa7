"""Write landmarks and strain of tagged slices as an HDF5 file in the published form."""

from cmrseg.results.tagged_slices import tagged_slices
from cmrseg.results.tagging_hdf5 import write_results
from stage import start

start(snakemake)
found = snakemake.input
slices = tagged_slices(found.images, found.labels, found.boxes)
write_results(slices, snakemake.output.results)
