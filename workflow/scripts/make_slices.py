"""Write the labelled slices of a cohort as training reads them."""

from cmrseg.learn.slices import make_slices
from cmrseg.sequences import image_path
from cmrseg.shards import labelled_folders, subject_folders
from cmrseg.splits import split_of, upright
from stage import start

start(snakemake)
images = subject_folders(snakemake.input.images)
labels = labelled_folders(
    snakemake.input.labels, snakemake.wildcards.cohort, snakemake.wildcards.labeller
)
sequence = snakemake.wildcards.sequence
split = split_of({row["subject"]: row["split"] for row in snakemake.params.rows})
make_slices(
    [
        (subject, split(subject), *(image_path(f[subject], sequence) for f in (images, labels)))
        for subject in upright(labels)
    ],
    {
        "sequence": sequence,
        "preparation": snakemake.wildcards.preparation,
        "intensity": snakemake.wildcards.intensity,
        "size_px": int(snakemake.wildcards.size_px),
        "tissues": snakemake.wildcards.tissues.replace("-", ","),
    },
    snakemake.output.slices,
)
