"""Draw what a model, or an annotator, makes of the first subjects of a cohort."""

from pathlib import Path

from cmrseg.cine import Cine
from cmrseg.figures.predicted_views import PredictedView
from cmrseg.figures.predicted_views import figure as figure_of_views
from cmrseg.figures.prediction import Predicted, figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from cmrseg.sequences import USUAL, channels_of, image_path
from cmrseg.shards import subject_folders
from stage import start

# As many as fit on a page.
SHOWN = 3

start(snakemake)
labels = subject_folders(snakemake.input.labels)
images = subject_folders(snakemake.input.images)
curves = dict(iter(read_table(snakemake.input.curves).groupby("subject")))
volumes = read_table(snakemake.input.volumes).set_index("subject")
intervals = None
if given := snakemake.input.get("intervals"):
    intervals = read_table(given).set_index("subject")
channels = channels_of(snakemake.params.settings.get("sequence", USUAL))
first = channels[0].key
subjects, views = [], []
for subject in list(labels)[:SHOWN]:
    cines = [Cine.load(image_path(images[subject], channel.key)) for channel in channels]
    found = Cine.load(image_path(labels[subject], first)).voxels
    voxels, affine, curve = [cine.voxels for cine in cines], cines[0].affine, curves[subject]
    if first == USUAL:
        ends = None if intervals is None else intervals.loc[subject]
        measures = volumes.loc[subject]
        subjects.append(Predicted(subject, voxels[0], found, affine, curve, measures, ends))
    else:
        views.append(PredictedView(subject, voxels, found, affine, curve))
model = Path(snakemake.input.labels[0]).parent.name
drawn = figure(subjects, model) if first == USUAL else figure_of_views(views, channels, model)
save(drawn, snakemake.output.svg, snakemake.output.png)
