"""List what a study no longer names, or remove it."""

import logging
import shutil
from pathlib import Path

from stage import start

start(snakemake)
for name in snakemake.params.unnamed:
    path = Path(snakemake.params.folder, name)
    if snakemake.params.action == "list":
        logging.info("not named by the study: %s", path)
        continue
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    logging.info("removed: %s", path)
if not snakemake.params.unnamed:
    logging.info("%s holds nothing that the study does not name", snakemake.params.folder)
elif snakemake.params.action == "list":
    logging.info("to remove all of it: the same command with --config tidy=remove")
logging.info(
    "tables, slices, models and figures of subjects who left are made anew by a run of the study"
)
