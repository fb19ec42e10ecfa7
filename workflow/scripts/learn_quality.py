"""Learn to judge a labeller's maps, and judge those of the cohort that this is learnt from."""

import json

from cmrseg.files import read_table, replacing, write_table
from cmrseg.quality.cohort import judged_tables, known_subjects, with_dice
from cmrseg.quality.learn import learn, usual_images
from stage import start

start(snakemake)
given, params = snakemake.input, snakemake.params
measured = with_dice(
    *(
        read_table(given[name])
        for name in ("pictures", "subjects", "true_pictures", "true_subjects")
    )
)
known = known_subjects(measured, params.rows, params.splits)
usual = usual_images(read_table(given.trained_on)) if given.trained_on else None
learnt = learn(known, usual, **params.settings)
with replacing(snakemake.output.judge) as path:
    path.write_text(json.dumps(learnt.judge.plain(), allow_nan=False) + "\n", "utf-8")
tables = judged_tables(learnt.judge, measured, params.rows, params.unseen, learnt.own)
for name, table in tables._asdict().items():
    write_table(table, snakemake.output[name])
