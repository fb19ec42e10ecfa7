"""The Kaggle half of the published numbers: small invented tables, then the real ones."""

import math
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cmrseg.published import kaggle, manual, metadata
from cmrseg.published.kaggle_tables import extreme_pixels, images, known_volumes
from cmrseg.published.numbers import compare, read_published
from tiny_study import ROOT

RESOURCE = ROOT / "resources" / "published_kaggle.tsv"
MODULES = (kaggle, metadata, manual)

# LV pixels by id, frame and slice. 9 is wider than high and has a rotated copy.
PIXELS = {
    "10_a": [[900, 100], [400, 100], [600, 300]],
    "9": [[0, 0], [0, 0], [0, 0]],
    "9_rot90": [[500, 500], [200, 100], [800, 0]],
}


@pytest.fixture
def small(tmp_path):
    """The published tables of two studies, 10_a and 9, with pixels of 0.1 ml."""
    folder = tmp_path / "analysis" / "kaggle"
    (folder / "predictions").mkdir(parents=True)
    (folder / "truth").mkdir()
    write = {"sep": "\t", "index": False}
    sizes = pd.DataFrame(
        {"pid": ["10_a", "9"], "X": [192, 256], "Y": [256, 192]}
        | {"pixelSpacingX": 2.0, "pixelSpacingY": 2.5, "sliceSpacing": 20.0, "scaleFactor": 1}
    )
    sizes.to_csv(folder / "patient_dimensions.tsv", **write)
    patients = pd.DataFrame({"pid": ["10_a", "9"], "set": ["test", "train"]})
    patients.to_csv(folder / "patient_metadata.tsv", **write)
    (folder / "truth" / "train.csv").write_text("Id,Systole,Diastole\n9,40,80\n")
    (folder / "truth" / "validate.csv").write_text("Id,Systole,Diastole\n")
    (folder / "truth" / "solution.csv").write_text(
        "Id,Volume,Usage\n10_Diastole,100,Private\n10_Systole,40,Private\n"
    )
    (folder / "ukbb_ventricular_volumes.csv").write_text(
        ",LVEDV (mL),LVESV (mL),LVSV (mL)\n10_a,90,50,40\n9,0,0,0\n9_rot90,88,44,44\n"
    )
    rows = [
        (id_, f"images/{id_}/{id_}-frame{t:03}-slice{z:03}.png", px)
        for id_, frames in PIXELS.items()
        for t, frame in enumerate(frames)
        for z, px in enumerate(frame)
    ]
    table = pd.DataFrame(rows, columns=["id", "file", "lv_pixels"])
    table[["id", "file"]].to_csv(folder / "image_list.tsv.xz", sep="\t", index=False, header=False)
    for network in kaggle.NETWORKS.values():
        shuffled = table.sample(frac=1, random_state=1).assign(my_pixels=1.0)
        shuffled["file"] = "nifti/" + shuffled["file"]
        shuffled = shuffled[["file", "lv_pixels", "my_pixels"]]
        shuffled.to_csv(folder / "predictions" / f"{network.table}.tsv.xz", **write)
    return tmp_path


def rows_of(table, method):
    return table[table["method"] == method].set_index("id")


def test_errors_of_a_method_worked_out_by_hand(small):
    table = kaggle.ef_error_table(small)
    assert tuple(table.columns) == kaggle.COLUMNS
    assert len(table) == 3 * 11
    rows = rows_of(table, "r34_p05_s256")
    assert rows.index.tolist() == ["9", "9_rot90", "10_a"]
    assert rows["study"].tolist() == ["9", "9", "10_a"]
    assert rows["rotated"].tolist() == [False, True, False]
    assert rows["set"].tolist() == ["train", "train", "test"]
    # Frames of 10_a: 1000, 500, 900 pixels of 0.1 ml.
    volumes = rows[["edv_ml", "esv_ml"]].to_numpy()
    assert volumes == pytest.approx(np.array([[0, 0], [100, 30], [100, 50]]))
    assert rows["ef"].tolist() == pytest.approx([math.nan, 0.7, 0.5], nan_ok=True)
    assert rows["true_ef"].tolist() == pytest.approx([0.5, 0.5, 0.6])
    assert rows["abs_ef_error"].tolist() == pytest.approx([1, 0.2, 0.1])
    assert rows["signed_max_volume_error"].tolist() == pytest.approx([-1, 0.25, 0.25])
    assert rows["abs_max_volume_error"].tolist() == pytest.approx([1, 0.25, 0.25])


def test_pixels_at_half_the_size_are_four_times_as_large(small):
    table = kaggle.ef_error_table(small)
    large = rows_of(table, "r34_p05_s128")["edv_ml"] / rows_of(table, "r34_p10_s256")["edv_ml"]
    assert large.dropna().tolist() == pytest.approx([4, 4])


def test_volumes_of_the_automatic_labels_are_as_published(small):
    rows = rows_of(kaggle.ef_error_table(small), "UKBB")
    assert rows["edv_ml"].tolist() == [0, 88, 90]
    assert rows.loc["10_a", "signed_max_volume_error"] == pytest.approx(0.25)
    assert rows.loc["9", "abs_ef_error"] == 1


def test_a_study_is_evaluated_in_one_orientation(small):
    table = kaggle.evaluated(kaggle.ef_error_table(small))
    assert set(table["id"]) == {"9_rot90", "10_a"}


def test_both_measurements_have_the_truth_of_the_patient(small):
    table = known_volumes(small)
    assert table["subject"].tolist() == ["9", "10_a"]
    assert table["edv_ml"].tolist() == [80, 100]


def test_predictions_of_other_images_are_refused_by_name(small):
    listed = images(small)
    name = kaggle.NETWORKS["r34_p05_s256"].table
    path = small / "analysis" / "kaggle" / "predictions" / f"{name}.tsv.xz"
    table = pd.read_csv(path, sep="\t")
    table[1:].to_csv(path, sep="\t", index=False)
    with pytest.raises(ValueError, match=f"{name}: 0 of its 17 images are not .* 1 of the list"):
        extreme_pixels(small, name, listed)
    twice = pd.concat([table, table[:1]])
    twice.to_csv(path, sep="\t", index=False)
    with pytest.raises(ValueError, match="0 of its 19 images are not in the list, and 1 of"):
        extreme_pixels(small, name, listed)
    table["file"] = table["file"].str.replace("/9/9-", "/9/8-")
    table.to_csv(path, sep="\t", index=False)
    with pytest.raises(ValueError, match="6 of its 18 images are not in the list, and 6 of"):
        extreme_pixels(small, name, listed)


def test_images_with_other_names_are_refused(small):
    path = small / "analysis" / "kaggle" / "image_list.tsv.xz"
    pd.DataFrame([("9", "images/9/8-frame000-slice000.png")]).to_csv(
        path, sep="\t", index=False, header=False
    )
    with pytest.raises(ValueError, match=r"images/9/8-frame000-slice000\.png is not"):
        images(small)


@pytest.fixture(scope="module")
def folder(data):
    return data / "published"


@pytest.fixture(scope="module")
def recomputed(folder):
    return pd.concat([module.numbers(folder) for module in MODULES], ignore_index=True)


@pytest.fixture(scope="module")
def errors(folder):
    return kaggle.ef_error_table(folder)


def test_every_published_number_is_reproduced(recomputed):
    table = compare(read_published([RESOURCE]), recomputed)
    assert table[table["agrees"] == "no"].empty
    without = table[table["agrees"] == ""]
    assert set(without["id"]) == {"K5"}
    assert (without["note"] != "").all()
    assert len(table) - len(without) == len(recomputed) == 277
    assert not table["note"].str.contains("tie").any()


@pytest.mark.parametrize(
    ("id_", "quantity", "wrong"),
    [
        ("K1", "UKBB mean, percent points", "5.43"),
        ("K3e", "5 % set, training images", "45991"),
        ("K4c", "slope_se", "0.08062"),
        ("K3a", "largest error, ml", "< 0"),
    ],
)
def test_a_changed_number_does_not_agree(recomputed, id_, quantity, wrong):
    published = read_published([RESOURCE])
    row = (published["id"] == id_) & (published["quantity"] == quantity)
    assert row.sum() == 1
    published.loc[row, "published"] = wrong
    table = compare(published, recomputed)
    assert table.loc[table["agrees"] == "no", "quantity"].tolist() == [quantity]


def test_a_missing_number_is_refused(recomputed):
    published = read_published([RESOURCE])
    with pytest.raises(ValueError, match="published but not recomputed: K4f images"):
        compare(published, recomputed[recomputed["id"] != "K4f"])
    with pytest.raises(ValueError, match="recomputed but not published: K2 UKBB iqr"):
        compare(published[published["id"] != "K2"], recomputed)


def test_sound_values_are_those_of_the_other_convention(recomputed):
    rows = recomputed.set_index(["id", "quantity"])
    # Without Kaggle's 73 test patients the smallest set keeps 75 training studies.
    assert rows.loc[("K3e", "5 % set, training studies")].tolist() == [148, 75]
    for method in ("UKBB", "v16_p05_s256"):
        signed, absolute = rows.loc[("K2", f"{method} mean, %")]
        assert absolute > signed
    sound = recomputed[recomputed["sound"] != ""]
    assert set(sound["id"]) == {"K1", "K2", "K3b", "K3e"}


def test_every_id_has_a_row_of_every_method(errors):
    assert len(errors) == 1396 * 11
    assert errors.groupby("method")["id"].nunique().tolist() == [1396] * 11
    assert not errors.drop(columns="ef").isna().any(axis=None)
    automatic = errors[errors["method"] == "UKBB"]
    undefined = automatic.loc[automatic["ef"].isna(), "id"].astype(int)
    assert undefined.tolist() == [3, 6, 214, 222, 599, 794]


def test_the_larger_absolute_error_of_the_labels_is_their_confidence(errors, folder):
    published = pd.read_csv(
        folder / "analysis" / "kaggle" / "confidence_by_patient.tsv", sep="\t", dtype={"Id": str}
    ).set_index("Id")
    ours = errors[errors["method"] == "UKBB"].set_index("id")
    found = ours["abs_max_volume_error"].reindex(published.index)
    assert found.to_numpy() == pytest.approx(published["confidence"].to_numpy(), rel=0, abs=1e-12)
    assert (ours["set"].reindex(published.index) == published["set"]).all()
    assert (errors["abs_max_volume_error"] >= errors["signed_max_volume_error"].abs()).all()


def test_metadata_has_a_row_per_study_with_the_score_of_the_upright_labels(folder, errors):
    table = metadata.metadata_table(folder)
    assert table.columns[:10].tolist() == [
        *("study", "set", "bin", "score", "true_ef", "true_edv_ml", "true_esv_ml"),
        *("sex", "age_y", "field_strength_t"),
    ]
    assert table["study"].is_unique
    assert len(table) == 1149
    plain = errors[(errors["method"] == "UKBB") & ~errors["rotated"]].set_index("study")
    assert (plain.loc[table["study"], "abs_max_volume_error"].to_numpy() == table["score"]).all()
    assert (plain.loc[table["study"], "true_ef"].to_numpy() == table["true_ef"]).all()
    limits = table.groupby("bin")["score"].agg(["min", "max"])
    assert limits.loc["p05", "max"] <= 0.05 < limits.loc["p10", "min"]
    assert limits.loc["p10", "max"] <= 0.10 < limits.loc["p15", "min"]
    assert limits.loc["p15", "max"] <= 0.15 < limits.loc["rest", "min"]


def test_manual_labels_have_a_row_per_image(folder):
    table = manual.dice_table(folder)
    assert tuple(table.columns) == manual.DICE_COLUMNS
    assert len(table) == 816
    subset = table[table["in_subset"] & (table["id"] == "98")]
    assert sorted(set(subset["frame"])) == [0, 4, 8, 12, 16, 20]
    patients = table["id"].drop_duplicates().astype(int)
    assert patients.tolist() == [71, 98, 119, 447, 528, 554, 761, 940, 1139]
    empty = table["reference_lv_px"] + table["method_lv_px"] == 0
    assert (table.loc[empty, "lv"] == 1).all()
    first = table[(table["id"] == "1139") & (table["frame"] == 29) & (table["slice"] == 1)].iloc[0]
    # 752 pixels are cavity in both, 924 in the manual and 825 in the automatic labels.
    assert (first["reference_lv_px"], first["method_lv_px"]) == (924, 825)
    assert first["lv"] == pytest.approx(2 * 752 / (924 + 825))


def test_manual_volumes_are_those_of_nine_patients_in_two_phases(folder):
    table = manual.volumes_table(folder)
    assert table.columns.tolist() == ["patient", "phase", "manual_ml", "true_ml"]
    assert table["phase"].tolist() == ["dia", "sys"] * 9
    wide = table.pivot(index="patient", columns="phase")
    assert (wide["manual_ml"]["dia"] > wide["manual_ml"]["sys"]).all()


def test_a_changed_label_image_is_noticed(folder, tmp_path):
    (tmp_path / "analysis").symlink_to(folder / "analysis")
    shutil.copytree(folder / manual.MASKS, tmp_path / manual.MASKS, copy_function=shutil.copyfile)
    file = tmp_path / manual.MASKS / "1139" / "1139-frame004-slice002.png"
    with Image.open(file) as picture:
        labels = np.array(picture)
    labels[0, 0] = 1
    Image.fromarray(labels).save(file)
    rows = manual.numbers(tmp_path).set_index("id")["recomputed"]
    assert rows["K4f"] == 815
    labels[0, 0] = 7
    Image.fromarray(labels).save(file)
    with pytest.raises(ValueError, match=r"1139-frame004-slice002\.png: frame 1, slice 1 .* \[7\]"):
        manual.numbers(tmp_path)
