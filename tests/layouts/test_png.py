"""The published archive of pictures: its import, its orientation, and what is left out by name."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.layouts.png import read_picture, read_pictures
from cmrseg.layouts.ready_made import import_studies

# (t, z, y, x) grey values that differ everywhere.
VOXELS = np.arange(2 * 3 * 5 * 4).reshape(2, 3, 5, 4).astype(np.uint8)
TABLE = "pid\tX\tY\tpixelSpacingX\tpixelSpacingY\tsliceSpacing\tscaleFactor\n"


def write_pictures(folder, name, voxels):
    folder.mkdir(parents=True)
    for t, z in np.ndindex(voxels.shape[:2]):
        picture = Image.fromarray(voxels[t, z][::-1])
        picture.save(folder / f"{name}-frame{t:03d}-slice{z:03d}.png")


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    for study in ("71", "123_a"):
        write_pictures(folder / "images" / study, study, VOXELS)
    (folder / "patient_dimensions.tsv").write_text(
        TABLE + "123_a\t4\t5\t1.25\t1.5\t8\t1.0\n71\t4\t5\t1.25\t1.5\t8\t1.0\n"
    )
    (tmp_path / "images").mkdir()
    return folder


def run(raw, *studies):
    rows = pd.DataFrame({"subject": studies, "study": studies})
    return import_studies(rows, raw, raw.parent / "images", read_pictures)


def test_pictures_become_a_cine_with_the_published_spacings(raw):
    audit, headers = run(raw, "71", "123_a")
    assert audit.empty
    assert headers.empty
    for subject in ("71", "123_a"):
        cine = Cine.load(raw.parent / "images" / subject / "sa.nii.gz")
        np.testing.assert_array_equal(cine.voxels, VOXELS)
        assert cine.voxels.dtype == np.float32
        assert cine.spacing_mm == (8, 1.5, 1.25)
        assert np.isnan(cine.frame_interval_s)
    sources = read_table(raw.parent / "images/71/sources.tsv")
    assert sources.iloc[-1].tolist() == [2, 1, "71-frame001-slice002.png"]
    assert len(sources) == 6


def test_the_last_row_of_a_picture_is_the_first_of_the_cine(tmp_path):
    picture = np.array([[1, 2], [3, 4], [5, 6]], np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").tolist() == [[5, 6], [3, 4], [1, 2]]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "I;16"])
def test_grey_pictures_of_any_kind_are_the_same(tmp_path, mode):
    picture = Image.fromarray(VOXELS[0, 0])
    if mode == "I;16":
        picture = Image.fromarray(VOXELS[0, 0].astype(np.uint16))
    picture.convert(mode).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png") == VOXELS[0, 0, ::-1]).all()


def test_pictures_with_colours_are_refused(tmp_path):
    Image.new("RGB", (3, 3), (10, 20, 30)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png: the picture has colours, expected grey"):
        read_picture(tmp_path / "a.png")


def test_pictures_with_a_palette_are_refused(tmp_path):
    Image.new("P", (3, 3)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png: the picture has a palette, expected grey"):
        read_picture(tmp_path / "a.png")


def test_a_rotated_copy_has_the_spacings_of_its_original_exchanged(raw):
    turned = np.rot90(VOXELS, 1, axes=(-2, -1))
    write_pictures(raw / "images/71_rot90", "71_rot90", turned)
    audit, _ = run(raw, "71_rot90")
    assert audit.empty
    cine = Cine.load(raw.parent / "images/71_rot90/sa.nii.gz")
    np.testing.assert_array_equal(cine.voxels, turned)
    assert cine.spacing_mm == (8, 1.25, 1.5)


def picture(number):
    return f"images/71/71-frame00{number[0]}-slice00{number[1]}.png"


def lose_picture(raw):
    (raw / picture("02")).unlink()


def lose_folder(raw):
    (raw / "images/71").rename(raw / "images/72")


def lose_all(raw):
    for path in (raw / "images/71").iterdir():
        path.unlink()


def enlarge(raw):
    Image.new("L", (5, 4)).save(raw / picture("12"))


def cut(raw):
    path = raw / picture("12")
    path.write_bytes(path.read_bytes()[:40])


def lose_row(raw):
    (raw / "patient_dimensions.tsv").write_text(TABLE + "123_a\t4\t5\t1.25\t1.5\t8\t1.0\n")


def no_spacing(raw):
    table = TABLE + "71\t4\t5\t0\t1.5\t8\t1.0\n123_a\t4\t5\t1.25\t1.5\t8\t1.0\n"
    (raw / "patient_dimensions.tsv").write_text(table)


def name_twice(raw):
    Image.fromarray(VOXELS[0, 0]).save(raw / "images/71/71-frame0-slice0.png")


@pytest.mark.parametrize(
    ("damage", "problem", "detail"),
    [
        (lose_picture, "unreadable file", "71-frame000-slice002.png is missing, expected 2 frames"),
        (lose_folder, "no images", "no folder images/71; check the table's study"),
        (lose_all, "no images", "no picture of 71 in images/71"),
        (enlarge, "unreadable file", "71-frame001-slice002.png: 5 x 4 pixels (X x Y), patient_"),
        (cut, "unreadable file", "71-frame001-slice002.png: not a readable picture"),
        (lose_row, "other", "patient_dimensions.tsv has 0 rows of 71, expected 1"),
        (no_spacing, "other", "patient_dimensions.tsv: spacings of 71 are 0.0, 1.5, 8.0, expected"),
        (name_twice, "unreadable file", "71-frame000-slice000.png: 71-frame0-slice0.png is of the"),
    ],
)
def test_a_damaged_study_is_left_out_by_name_and_stops_no_shard(raw, damage, problem, detail):
    damage(raw)
    audit, _ = run(raw, "71", "123_a")
    assert audit[["subject", "problem"]].to_numpy().tolist() == [["71", problem]]
    assert audit["resolution"].tolist() == ["subject excluded"]
    assert audit["detail"][0].startswith(detail)
    assert str(raw) not in audit.to_csv()
    assert [path.name for path in (raw.parent / "images").iterdir()] == ["123_a"]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (None, "no patient_dimensions.tsv; it belongs beside the folder images"),
        (
            "pid\tX\tY\n71\t4\t5\n",
            "patient_dimensions.tsv has no column pixelSpacingX, pixelSpacingY",
        ),
    ],
)
def test_without_the_table_of_dimensions_all_are_left_out(raw, text, detail):
    table = raw / "patient_dimensions.tsv"
    table.unlink() if text is None else table.write_text(text)
    audit, _ = run(raw, "71", "123_a")
    assert audit["subject"].tolist() == ["71", "123_a"]
    assert audit["detail"].str.startswith(detail).all()


def test_other_files_are_ignored_with_a_row(raw):
    (raw / "images/71/Thumbs.db").touch()
    audit, _ = run(raw, "71")
    assert audit.to_numpy().tolist() == [
        [
            *("71", "unexpected file name", "file ignored", "Thumbs.db"),
            "expected 71-frame<fff>-slice<sss>.png",
        ]
    ]
    assert (raw.parent / "images/71").is_dir()


SETTINGS = {"sequence": "sa", "form": "frames", "folder": "masks", "layout": "png"}


def carried(raw, annotation):
    rows = pd.DataFrame(
        [{"subject": "71", "study": "71", "set": "train", "annotation": annotation}]
    )
    (raw.parent / "labels").mkdir()
    carry_shard(rows, "published", SETTINGS, raw, raw.parent / "images", raw.parent / "labels")
    return raw.parent / "labels/71/sa.nii.gz"


def test_masks_lie_on_their_pictures(raw):
    labels = VOXELS % 4
    write_pictures(raw / "masks/71", "71", labels)
    run(raw, "71")
    np.testing.assert_array_equal(Cine.load(carried(raw, "71")).voxels, labels)


def test_a_study_without_masks_is_not_labelled(raw):
    run(raw, "71")
    assert not carried(raw, "71").exists()


# -- the published label images --------------------------------------------------------------


@pytest.mark.parametrize("study", ["71", "119", "447", "528", "554", "761", "940", "98", "1139"])
def test_published_masks_fit_the_published_dimensions_and_counts(data, raw, study):
    """Carried to a cine of the published size they have the published numbers of pixels."""
    published = data / "published"
    dimensions = read_table(published / "analysis/kaggle/patient_dimensions.tsv")
    columns, rows = dimensions.set_index("pid").loc[study, ["X", "Y"]].astype(int)
    table = read_table(published / "analysis/kaggle/manual/pixel_counts_by_class.tsv")
    own = table[table["file"].str.startswith(f"{study}-")]
    numbers = own["file"].str.extract(r"-frame(\d+)-slice(\d+)").astype(int)
    slices = int(numbers[1].max()) + 1
    folder = raw.parent / "images/71"
    Cine(np.zeros((30, slices, rows, columns), np.float32), np.eye(4)).save(folder / "sa.nii.gz")
    (folder / "sources.tsv").write_text("z\tt\tfile\n")
    (raw / "masks").symlink_to(published / "data/kaggle/manual/own_masks")
    voxels = Cine.load(carried(raw, study)).voxels
    labelled = voxels[numbers[0], numbers[1]]
    for value, column in enumerate(("bg", "lv", "my")):
        assert (labelled == value).sum(axis=(1, 2)).tolist() == own[column].tolist()
    unlabelled = sorted(set(range(30)) - set(numbers[0]))
    assert len(unlabelled) == (0 if study == "98" else 24)
    assert (voxels[unlabelled] == 255).all()
