"""Forms of annotations that are points, and not label maps. Standard library only."""

POINT_FORMS = ("tagging", "points")
# Endings of tables of points, after the name of the sequence.
TABLE_ENDINGS = (".points.tsv.gz", ".points.tsv")
