"""Errors that faults cause with repairs on and off: values by hand."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.measure.repairs import worth_of_repairs

ROWS = pd.DataFrame(
    {
        "subject": ["a", "a1", "a2", "a3"],
        "patient": ["p", "p", "p", "p"],
        "fault": ["", "missing_slice", "missing_slice", "wide_image"],
        "severity": [None, 1, 2, None],
        "unit": ["", "slices", "slices", ""],
    }
)


def volumes(edv, esv):
    table = pd.DataFrame({"subject": ["a", "a1", "a2", "a3"], "edv_ml": edv, "esv_ml": esv})
    return table.assign(ef=1 - table["esv_ml"] / table["edv_ml"])


ON = volumes([100.0, 101.0, 102.0, 100.0], [50.0, 50.0, 51.0, 50.0])
OFF = volumes([100.0, 90.0, 80.0, 100.0], [50.0, 45.0, 40.0, 50.0])


def test_errors_are_shares_of_the_intact_volume_and_differences_of_ef():
    subjects, summary = worth_of_repairs({"net": {"on": ON, "off": OFF}}, ROWS)
    two = summary[(summary["fault"] == "missing_slice") & (summary["severity"] == 2)]
    off, on = (two[two["repair"] == repair].squeeze() for repair in ("off", "on"))
    assert off["edv_error_mean"] == pytest.approx(-0.2)
    assert off["edv_error_abs"] == pytest.approx(0.2)
    assert off["ef_error_abs"] == pytest.approx(0, abs=1e-12)
    assert on["edv_error_mean"] == pytest.approx(0.02)
    assert on["esv_error_mean"] == pytest.approx(0.02)
    assert off["unit"] == "slices"
    assert off["n"] == 1
    assert len(subjects) == 6
    turned = summary[summary["fault"] == "wide_image"]
    assert turned["severity"].isna().all()
    assert (turned["edv_error_abs"] == 0).all()


def test_an_examination_that_was_not_imported_is_counted_as_lost():
    _, summary = worth_of_repairs({"net": {"on": ON, "off": OFF.iloc[[0, 1, 3]]}}, ROWS)
    lost = summary[(summary["severity"] == 2) & (summary["repair"] == "off")].squeeze()
    assert (lost["n"], lost["lost"]) == (0, 1)
    assert np.isnan(lost["edv_error_abs"])


@pytest.mark.parametrize(("first", "last", "count"), [("wide_image", "wide_image", 0), ("", "", 2)])
def test_a_patient_needs_one_row_without_a_fault(first, last, count):
    rows = ROWS.assign(fault=[first, "missing_slice", "missing_slice", last])
    with pytest.raises(ValueError, match=f"patient p has {count} rows without a fault"):
        worth_of_repairs({"net": {"on": ON, "off": OFF}}, rows)
