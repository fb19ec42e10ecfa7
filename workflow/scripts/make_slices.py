"""Write the labelled slices of a cohort as training reads them."""

import logging

from cmrseg.learn.slices import make_slices
from cmrseg.sequences import image_path
from cmrseg.shards import folders_with, labelled_folders, subject_folders
from cmrseg.splits import split_of, upright
from stage import start

start(snakemake)
channels = snakemake.wildcards.sequence.split("-")
images = folders_with(snakemake.input.images, *channels)
labels = labelled_folders(
    snakemake.input.labels, snakemake.wildcards.cohort, snakemake.wildcards.labeller
)
if without := [subject for subject in upright(labels) if subject not in images]:
    logging.warning("without all of %s: %s", ", ".join(channels), ", ".join(without))
split = split_of({row["subject"]: row["split"] for row in snakemake.params.rows})
make_slices(
    [
        (
            subject,
            split(subject),
            [image_path(images[subject], channel) for channel in channels],
            image_path(labels[subject], channels[0]),
        )
        for subject in upright(labels)
        if subject in images
    ],
    {
        "sequence": ",".join(channels),
        "preparation": snakemake.wildcards.preparation,
        "intensity": snakemake.wildcards.intensity,
        "size_px": int(snakemake.wildcards.size_px),
        "tissues": snakemake.wildcards.tissues.replace("-", ","),
        **snakemake.params.coarse,
    },
    snakemake.output.slices,
    {
        subject: image_path(folder, channels[0])
        for subject, folder in subject_folders(snakemake.input.coarse).items()
    },
)
