"""Strain by tagging of each subject as a table to read, which the log shows, too."""

import logging

from cmrseg.files import read_table, write_table
from cmrseg.phenotypes.tagging_table import in_words, strain_tables
from stage import start

start(snakemake)
table = strain_tables(read_table(snakemake.input.details))
write_table(table, snakemake.output.table)
logging.info("strain by tagging\n%s", in_words(table))
