"""Make the page on which one looks through slices and frames with every labeller's contours."""

from pathlib import Path

from cmrseg.figures.viewer import viewer_page
from cmrseg.figures.viewer_volumes import read_viewer_volumes, spread
from cmrseg.files import read_table, replacing
from cmrseg.sequences import SEQUENCES
from cmrseg.shards import subject_folders
from stage import start

start(snakemake)
settings = snakemake.params.settings
sequence = SEQUENCES[settings["sequence"]]
layers = {
    name: subject_folders(p for p in snakemake.input.labels if Path(p).parent.name == name)
    for name in settings["labellers"]
}
page = viewer_page(
    f"{snakemake.wildcards.study}: {settings['cohort']}",
    read_viewer_volumes(
        spread(read_table(snakemake.input.evaluation), count=3, tissue=sequence.drawn[0]),
        subject_folders(snakemake.input.images),
        layers,
        sequence.key,
    ),
    tissues=sequence.tissues,
)
with replacing(snakemake.output.page) as path:
    path.write_text(page, encoding="utf-8")
