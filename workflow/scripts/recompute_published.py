"""Recompute the published numbers from the published tables, and hold both side by side."""

from pathlib import Path

import pandas as pd

from cmrseg.files import write_table
from cmrseg.published import kaggle, learning, manual, metadata, seven_tesla
from cmrseg.published.numbers import compare, read_published, refuse_disagreement
from stage import start

start(snakemake)
folder, output = Path(snakemake.input.tables), snakemake.output
write_table(kaggle.ef_error_table(folder), output.kaggle_ef_error)
write_table(metadata.metadata_table(folder), output.kaggle_metadata)
write_table(manual.dice_table(folder), output.manual_dice)
write_table(manual.volumes_table(folder), output.manual_volumes)
write_table(seven_tesla.dice_table(folder), output.seven_tesla_dice)
write_table(seven_tesla.cavity_table(folder), output.seven_tesla_cavity)
write_table(seven_tesla.observers_table(folder), output.observers)
write_table(learning.curves_table(folder), output.learning_curves)
write_table(learning.smooth_table(folder), output.smoothed_curves)
modules = (kaggle, metadata, manual, seven_tesla, learning)
recomputed = pd.concat([module.numbers(folder) for module in modules], ignore_index=True)
numbers = compare(read_published(snakemake.params.published), recomputed)
write_table(numbers, output.numbers)
refuse_disagreement(numbers)
