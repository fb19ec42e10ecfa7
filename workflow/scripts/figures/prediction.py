"""Draw what a model makes of the first subjects of a cohort."""

from pathlib import Path

from cmrseg.cine import Cine
from cmrseg.figures.prediction import Predicted, figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from cmrseg.sequences import USUAL, image_path
from cmrseg.shards import subject_folders
from stage import start

# As many as fit on a page.
SHOWN = 3

start(snakemake)
labels = subject_folders(snakemake.input.labels)
images = subject_folders(snakemake.input.images)
curves = read_table(snakemake.input.curves)
volumes = read_table(snakemake.input.volumes).set_index("subject")
subjects = []
for subject in list(labels)[:SHOWN]:
    cine = Cine.load(image_path(images[subject], USUAL))
    subjects.append(
        Predicted(
            subject,
            cine.voxels,
            Cine.load(image_path(labels[subject], USUAL)).voxels,
            cine.affine,
            curves[curves["subject"] == subject],
            volumes.loc[subject],
        )
    )
model = Path(snakemake.input.labels[0]).parent.name
save(figure(subjects, model), snakemake.output.svg, snakemake.output.png)
