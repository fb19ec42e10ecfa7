"""Write the slices of a cohort with points in them as training reads them."""

import logging

from cmrseg.learn.point_slices import make_point_slices
from cmrseg.sequences import image_path, points_path
from cmrseg.shards import folders_with, labelled_folders
from cmrseg.splits import split_of, upright
from stage import start

start(snakemake)
sequence = snakemake.wildcards.sequence
images = folders_with(snakemake.input.images, sequence)
points = labelled_folders(
    snakemake.input.labels, snakemake.wildcards.cohort, snakemake.wildcards.labeller
)
if without := [subject for subject in upright(points) if subject not in images]:
    logging.warning("without %s: %s", sequence, ", ".join(without))
split = split_of({row["subject"]: row["split"] for row in snakemake.params.rows})
make_point_slices(
    [
        (
            subject,
            split(subject),
            image_path(images[subject], sequence),
            points_path(points[subject], sequence),
        )
        for subject in upright(points)
        if subject in images
    ],
    {
        "sequence": sequence,
        "preparation": snakemake.wildcards.preparation,
        "intensity": snakemake.wildcards.intensity,
        "size_px": int(snakemake.wildcards.size_px),
    },
    snakemake.output.slices,
)
