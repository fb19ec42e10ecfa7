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


def test_strain_is_compared_in_percentage_points_where_it_was_measured():
    strained = {
        repair: table.assign(ecc_global_percent=ecc, err_global_percent=[30.0, 30.0, 30.0, 24.0])
        for repair, table, ecc in (
            ("on", ON, [-20.0, -20.0, -19.5, -20.0]),
            ("off", OFF, [-20.0, -18.0, np.nan, -20.0]),
        )
    }
    plain = {"on": ON, "off": OFF}
    subjects, summary = worth_of_repairs({"truth": strained, "net": plain}, ROWS)
    rows = summary.set_index(["labeller", "fault", "severity", "repair"])
    assert rows.loc[("truth", "missing_slice", 2, "on"), "ecc_error_mean"] == pytest.approx(0.005)
    assert rows.loc[("truth", "missing_slice", 1, "off"), "ecc_error_mean"] == pytest.approx(0.02)
    lost = rows.loc[("truth", "missing_slice", 2, "off")]
    assert (lost["n"], lost["lost"], lost["strain_lost"]) == (1, 0, 1)
    assert np.isnan(lost["ecc_error_abs"])
    assert lost["err_error_abs"] == 0
    turned = summary[(summary["fault"] == "wide_image") & (summary["labeller"] == "truth")]
    np.testing.assert_allclose(turned["err_error_mean"], -0.06)
    assert summary.loc[summary["labeller"] == "net", "strain_lost"].eq(1).all()
    assert subjects.loc[subjects["labeller"] == "net", "ecc_error"].isna().all()
    assert not [c for c in worth_of_repairs({"net": plain}, ROWS)[1] if "ecc" in c or "strain" in c]


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
