"""The cine is found in a whole export of an archive, as the digital heart writes one."""

from pathlib import Path

import numpy as np
import pytest

from cmrseg.apply import read_images
from cmrseg.dicom.audit import NO_CINE, TWO_EXAMINATIONS, UNCLEAR
from cmrseg.dicom.choice import UnclearError
from cmrseg.phantom.pacs.variant import Variant
from exports import VARIANTS, small_export

# Exports whose cine is the only one; all hold the same heart.
ONE_CINE = [
    *("siemens", "philips", "ge", "one series per slice", "one series per slice, philips"),
    *("one series per frame", "one object", "resent", "cine alone"),
]


def export(folder: Path, variant: str | Variant, seed: int = 1):
    return small_export(folder / "export", variant, seed)


def check(found, truth) -> None:
    """The images are those of the truth, at their places and times."""
    np.testing.assert_array_equal(found.cine.voxels, truth.cine.voxels)
    np.testing.assert_allclose(found.cine.affine, truth.cine.affine, atol=1e-6)
    assert found.cine.frame_interval_s == pytest.approx(truth.cine.frame_interval_s, rel=1e-3)


def left_out(found) -> set[str]:
    return set(found.audit["image"])


@pytest.mark.parametrize("variant", ONE_CINE)
def test_the_true_cine_is_found_and_all_else_is_in_the_audit(tmp_path, variant):
    made = export(tmp_path, variant)
    found = read_images(tmp_path / "export")
    check(found, made.truth)
    other = made.files[(made.files["not_cine"] != "") & (made.files["copy_of"] == "")]
    # A series has one row, with the first of its files.
    pictures = other["series_number"].notna() & (other["kind"] != "screenshot")
    for file, is_picture in zip(other["file"], pictures, strict=True):
        assert is_picture or file in left_out(found), file
    numbers = {int(n) for n in found.audit["detail"].str.extract(r"^#(\d+)")[0].dropna()}
    assert numbers >= set(found.series.loc[~found.series["chosen"], "number"])
    copies = found.audit["problem"].eq("duplicate file").sum()
    assert copies >= VARIANTS[variant].copies


def test_the_seed_of_names_and_order_does_not_matter(tmp_path):
    cines = []
    for seed in (1, 2):
        made = export(tmp_path / str(seed), "siemens", seed)
        found = read_images(tmp_path / str(seed) / "export")
        check(found, made.truth)
        cines.append(found.cine)
    np.testing.assert_array_equal(cines[0].voxels, cines[1].voxels)


def test_of_slices_acquired_again_the_later_images_are_taken(tmp_path):
    made = export(tmp_path, "acquired again")
    found = read_images(tmp_path / "export")
    earlier = found.audit[found.audit["problem"] == "collision"]
    assert len(earlier) == made.truth.cine.voxels.shape[1]
    assert earlier["detail"].str.contains("of an earlier acquisition").all()
    assert found.cine.voxels.shape == made.truth.cine.voxels.shape


def test_two_cines_are_refused_with_both_and_one_can_be_chosen(tmp_path):
    made = export(tmp_path, "second cine")
    with pytest.raises(UnclearError) as caught:
        read_images(tmp_path / "export")
    assert caught.value.kind == UNCLEAR
    cines = made.files[made.files["kind"].isin({kind for _, kind in made.cines})]
    numbers = sorted(cines["series_number"].unique())
    assert len(numbers) == 2
    for number in numbers:
        assert f"#{number:.0f} 'trufi_cine" in caught.value.detail
    assert "2ch" not in caught.value.detail
    for (_, kind), truth in made.cines.items():
        number = cines.loc[cines["kind"] == kind, "series_number"].iloc[0]
        check(read_images(tmp_path / "export", series=f"#{number:.0f}"), truth)


def test_two_examinations_are_refused_with_a_file_of_each(tmp_path):
    made = export(tmp_path, "two examinations")
    with pytest.raises(UnclearError) as caught:
        read_images(tmp_path / "export")
    assert caught.value.kind == TWO_EXAMINATIONS
    cine = made.files[made.files["kind"] == "cine"]
    for _, files in cine.groupby("examination"):
        assert any(file in caught.value.detail for file in files["file"])


def test_an_export_without_a_short_axis_cine_is_refused_with_what_it_has(tmp_path):
    export(tmp_path, "no cine")
    with pytest.raises(UnclearError) as caught:
        read_images(tmp_path / "export")
    assert caught.value.kind == NO_CINE
    for words in ("4ch", "single images", "localizer"):
        assert words in caught.value.detail


def test_a_chosen_series_is_taken_as_it_is(tmp_path):
    made = export(tmp_path, "siemens")
    number = made.files.loc[made.files["kind"] == "lge", "series_number"].iloc[0]
    found = read_images(tmp_path / "export", series=f"#{number:.0f}")
    assert found.cine.voxels.shape[0] == 1
    assert found.series.loc[found.series["chosen"], "number"].tolist() == [number]
