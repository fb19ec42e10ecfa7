"""Columns by segment are those that the measures make."""

from cmrseg.phenotypes import strain, wall_thickness
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS, SEGMENTAL


def test_columns_by_segment_are_those_of_the_tables_of_measures():
    assert set(SEGMENT_COLUMNS) == {"wall_thickness", "strain"}
    assert sorted(SEGMENT_COLUMNS["wall_thickness"]) == sorted(wall_thickness.COLUMNS)
    assert sorted(SEGMENT_COLUMNS["strain"]) == sorted(strain.COLUMNS)


def test_a_quantity_has_a_column_for_each_of_the_16_segments_and_one_of_all():
    thickening = SEGMENTAL["thickening"]
    assert list(thickening.columns) == list(range(1, 17))
    assert thickening.columns[7] == "thickening_7_percent"
    assert thickening.column("global") == "thickening_global_percent"
