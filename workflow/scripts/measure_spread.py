"""Measure how far the members of an ensemble differ."""

from cmrseg.files import read_table, write_table
from cmrseg.measure.member_spread import spread_over_members
from stage import start

start(snakemake)
given, members = snakemake.input, snakemake.params.members
tables = dict(zip(members, map(read_table, given.members), strict=True))
left_out = {}
if given.get("folds"):
    folds = read_table(given.folds)
    for subject, fold in zip(folds["subject"], folds["fold"], strict=True):
        left_out[subject] = {name: own == fold for name, own in members.items()}
subjects, summary = spread_over_members(read_table(given.ensemble), tables, left_out)
write_table(subjects, snakemake.output.subjects)
write_table(summary, snakemake.output.summary)
