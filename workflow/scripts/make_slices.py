"""Write the labelled slices of a cohort as training reads them."""

from cmrseg.learn.slices import make_slices
from cmrseg.shards import IMAGE, labelled_folders, subject_folders
from cmrseg.splits import split_of, upright
from stage import start

start(snakemake)
images = subject_folders(snakemake.input.images)
labels = labelled_folders(
    snakemake.input.labels, snakemake.wildcards.cohort, snakemake.wildcards.labeller
)
split = split_of({row["subject"]: row["split"] for row in snakemake.params.rows})
make_slices(
    [
        (subject, split(subject), images[subject] / IMAGE, labels[subject] / IMAGE)
        for subject in upright(labels)
    ],
    {
        "preparation": snakemake.wildcards.preparation,
        "intensity": snakemake.wildcards.intensity,
        "size_px": int(snakemake.wildcards.size_px),
        "classes": int(snakemake.wildcards.classes),
    },
    snakemake.output.slices,
)
