"""Draw the best, the median and the worst images of the best model with both contours."""

from pathlib import Path

from cmrseg.figures.cases import best_labeller, ranked, read_cases
from cmrseg.figures.overlays import figure
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.files import read_table
from cmrseg.sequences import SEQUENCES
from cmrseg.shards import subject_folders
from stage import start

start(snakemake)
settings = snakemake.params.settings
names, reference = settings["labellers"], settings["reference"]
sequence = SEQUENCES[settings["sequence"]]
subjects = named(map(read_table, snakemake.input.subjects), names, "labeller")
model = best_labeller(subjects, names, settings["seen"], sequence.drawn)
folders = {
    name: subject_folders(p for p in snakemake.input.labels if Path(p).parent.name == name)
    for name in (model, reference)
}
images = read_table(snakemake.input.evaluation[names.index(model)])
cases = read_cases(
    ranked(images[images["split"] != "train"], drawn=sequence.drawn),
    subject_folders(snakemake.input.images),
    folders[model],
    folders[reference],
    sequence,
    settings["image"],
)
save(figure(cases, model, reference), snakemake.output.svg, snakemake.output.png)
