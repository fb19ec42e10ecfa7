"""Make the report of the one subject of a prediction: a PDF of one page."""

from cmrseg.figures.pdf import pdf_of
from cmrseg.figures.report import UNTITLED, figure
from cmrseg.figures.report_of_labels import report_of
from cmrseg.files import replacing
from cmrseg.measure.person import person_of
from cmrseg.sequences import channels_of
from cmrseg.shards import subject_folders
from stage import start

start(snakemake)
settings = snakemake.params.settings
labels = subject_folders(snakemake.input.labels)
images = subject_folders(snakemake.input.images)
(subject,) = labels
report = report_of(
    images[subject],
    labels[subject],
    channels_of(settings["sequence"]),
    {key: snakemake.input[key] for key in ("volumes", "curves", "audit", "intervals")},
    {"name": settings["model"], "weights": snakemake.input.weights},
    person_of(settings["person"]),
    settings["title"],
)
with replacing(snakemake.output.report) as path:
    path.write_bytes(pdf_of(figure(report), settings["title"] or UNTITLED))
