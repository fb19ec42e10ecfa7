"""Published Dice of scar and oedema beside ours."""

import pandas as pd
import pytest

from cmrseg.measure.published_values import compare_values, read_published_values
from tiny_study import ROOT

TABLE = ROOT / "resources/published_myops.tsv"


def test_published_dice_is_as_printed_with_its_source():
    table = read_published_values(TABLE)
    means = table[table["statistic"] == "mean"]
    scar, both = (means[means["quantity"] == q] for q in ("dice_scar", "dice_scar_edema"))
    assert scar["published"].tolist() == ["0.67", "0.665", "0.6471", "0.7148"]
    assert both["published"].tolist() == ["0.73", "0.698", "0.7087", "0.7439"]
    assert table["note"].str.contains(r"doi:10\.1[0-9]{3}/").all()
    assert table["id"].is_unique


def test_ours_is_of_the_subjects_that_have_a_scar():
    subjects = pd.DataFrame(
        {"dice_scar": [0.5, None, 0.7], "dice_scar_edema": [0.6, 0.7, 0.8]}, dtype=float
    )
    found = compare_values(read_published_values(TABLE), subjects).set_index("id")
    assert found.loc["S01", ["ours", "n"]].tolist() == ["0.6", 2]
    assert found.loc["S02", ["ours", "n"]].tolist() == ["0.7", 3]
    # The standard deviation has n - 1.
    assert found.loc["S06", "ours"] == "0.1"


def test_without_labels_of_lesions_nothing_is_compared():
    subjects = pd.DataFrame({"dice_lv": [0.9]})
    with pytest.raises(ValueError, match=r"published number S01: dice_scar, phase '', mean"):
        compare_values(read_published_values(TABLE), subjects)
