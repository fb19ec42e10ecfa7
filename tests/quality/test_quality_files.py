"""Features of a labeller's files, and the figure of how good an order is."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.figures.quality import figure
from cmrseg.measure.labellers import LabelMaps
from cmrseg.quality.measuring import measure_quality


def saved(folder, voxels):
    cine = Cine(voxels, np.diag([2.0, 2.0, 10.0, 1.0]), 0.05)
    folder.mkdir(parents=True)
    cine.save(folder / "sa.nii.gz")


@pytest.fixture
def files(tmp_path):
    """Two subjects as a network and its member label them; the second one has no labels."""
    labels = np.zeros((4, 3, 16, 16), np.uint8)
    labels[..., 4:12, 4:12], labels[..., 6:10, 6:10] = 2, 1
    image = np.choose(labels, [50, 500, 100]).astype(np.int16)
    for subject, maps in (("a", labels), ("b", 0 * labels)):
        saved(tmp_path / "images" / subject, image)
        saved(tmp_path / "net" / subject, maps)
        saved(tmp_path / "member" / subject, maps)
    return tmp_path


def maps(files, name):
    return LabelMaps(name, "hearts", [files / name], "lv,my,rv")


def test_features_of_all_subjects_are_two_tables(files):
    members = [maps(files, "net"), maps(files, "member")]
    pictures, subjects = measure_quality(maps(files, "net"), [files / "images"], members)
    assert pictures["subject"].unique().tolist() == ["a"]
    assert len(pictures) == 12
    assert subjects["missed_frames"].tolist() == [0, 1]
    assert subjects["agreement"].tolist() == pytest.approx([1, np.nan], nan_ok=True)
    # Spacings come from the files: the cavity is 16 of 48 pixels of muscle in every slice.
    assert subjects["my_per_lv"][0] == pytest.approx(np.log(48 / 16), abs=1e-5)


def test_without_members_there_is_no_agreement(files):
    pictures, subjects = measure_quality(maps(files, "net"), [files / "images"])
    assert "agreement" not in pictures
    assert "agreement" not in subjects


def tables():
    dice = np.linspace(0.5, 0.95, 20)
    table = pd.DataFrame({"subject": [f"s{i}" for i in range(20)], "dice": dice})
    table["predicted_dice"], table["volume_jumps"] = dice, 0.1
    return table.assign(needs_look=(dice < 0.8).astype(float), split="test")


def test_the_figure_has_risk_roc_and_calibration():
    found = figure(tables(), tables().assign(slice=1), 0.8)
    a, _, c, d = found.axes
    # All are kept at the end: the mean Dice. The best one is kept first.
    (line, *_), (_, bad) = a.lines, c.lines[1].get_data()
    assert line.get_ydata()[[0, -1]] == pytest.approx([0.95, 0.725])
    assert bad[-1] == 100
    assert "AUC 1.00" in c.get_legend().get_texts()[0].get_text()
    # 13 of 20 are below the threshold; bins have four each.
    assert d.lines[1].get_ydata().tolist() == [0, 25, 100, 100, 100]
    assert [axes.get_title(loc="left") for axes in found.axes][:2] == [
        "Subjects (n = 20)",
        "Slices (n = 20)",
    ]


def test_subjects_without_a_truth_are_not_drawn():
    part = tables()
    part.loc[:9, "dice"] = np.nan
    found = figure(part, part, 0.8)
    assert found.axes[0].get_title(loc="left") == "Subjects (n = 10)"


def test_a_figure_without_any_truth_is_refused():
    with pytest.raises(ValueError, match="figure quality: the table has no rows"):
        figure(tables().assign(dice=np.nan), tables(), 0.8)
