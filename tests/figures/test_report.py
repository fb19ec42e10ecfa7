"""The report of one page: what stands on it, and its bytes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.figures.page_text import spread_columns, width_mm, wrapped
from cmrseg.figures.pdf import pdf_of
from cmrseg.figures.report import (
    Curve,
    Report,
    Strip,
    edited_words,
    figure,
    rows_of,
    shown_slices,
)
from cmrseg.figures.report_of_labels import report_of
from cmrseg.figures.report_words import image_words, notes_of
from cmrseg.files import write_table
from cmrseg.labels import Tissue
from cmrseg.measure.by_sequence import measures_of_curve
from cmrseg.measure.person import Person
from cmrseg.measure.reference_ranges import Sex
from cmrseg.measure.volumes import volume_curves, volumes_table
from cmrseg.sequences import SEQUENCES

AFFINE = np.diag([2.0, 2.0, 10.0, 1.0])


def discs(radii) -> np.ndarray:
    """Label maps (t, z, y, x): a cavity of these radii in a wall, in two slices of four."""
    y, x = np.mgrid[:40, :40] - 20
    labels = np.zeros((len(radii), 4, 40, 40), np.uint8)
    for t, radius in enumerate(radii):
        labels[t, 1:3, np.hypot(y, x) < radius + 3] = Tissue.MYO
        labels[t, 1:3, np.hypot(y, x) < radius] = Tissue.LV
    return labels


@pytest.fixture
def report():
    labels = discs([9, 6, 8])
    rows = [
        {
            "name": "EDV",
            "value": 101.26,
            "unit": "ml",
            "low": 95.0,
            "high": 110.0,
            "origin": "a, b",
        },
        {"name": "EF", "value": 41.26, "unit": "%", "reference": (48.2, 67.8), "outside": "below"},
        {"name": "Mass", "value": 90, "unit": "g", "indexed": {"value": 45.0, "unit": "g/m²"}},
    ]
    return Report(
        facts=[("Model", "one"), ("Images", "some")],
        strips=[Strip(f"frame {t}", t, labels[t] * 100.0, labels[t]) for t in (0, 1)],
        affine=AFFINE,
        rows=rows_of(rows),
        curves=[Curve(Tissue.LV, np.array([10.0, 5.0, 9.0]))],
        unit="ml",
        marks=[("ED", 0), ("ES", 1)],
        warnings=["A warning."],
        edited=frozenset({(2, 1), (1, 1)}),
        notes=notes_of(rows),
    )


def texts(page) -> list[str]:
    own = [text.get_text() for text in page.texts]
    return own + [text.get_text() for axes in page.axes for text in axes.texts]


def test_measures_intervals_ranges_and_warnings_stand_on_the_page(report):
    said = texts(figure(report))
    shown = {"101 ml", "95.0 to 110", "41.3 % ▼", "48.2 to 67.8", "45.0 g/m²", "! A warning."}
    assert shown <= set(said)
    assert "Interval: a, b" in said
    assert said.count("Research use, not a medical device") == 2
    assert "Cardiac MR examination" in said
    assert "Labels edited by hand in frame 2: slice 2, 3." in said
    # the edited pictures are marked: slices 2 and 3 of the second frame
    assert [text for text in said if "edited" in text][-2:] == ["2 edited", "3 edited"]


def test_columns_that_would_be_empty_are_left_out(report):
    said = texts(figure(replace(report, rows=rows_of([{"name": "a", "value": 1, "unit": "ml"}]))))
    assert "Value" in said
    assert not {"Interval", "Reference", "Per m²"} & set(said)


def test_the_same_report_has_the_same_bytes_and_no_date(report):
    first, second = (pdf_of(figure(report), "one") for _ in range(2))
    assert first == second
    assert first.startswith(b"%PDF")
    assert first.count(b"/Type /Page\n") + first.count(b"/Type /Page ") == 1
    assert b"/CreationDate" not in first
    assert b"/Title (one)" in first


def test_a_title_is_printed_as_it_is_typed(report):
    assert "$a$ & b" in texts(figure(replace(report, title="$a$ & b")))
    with pytest.raises(ValueError, match=r"font has no '心臓', which its title needs"):
        figure(replace(report, title="心 臓"))


def test_slices_with_labels_are_shown_at_most_eight(report):
    assert shown_slices(report) == [1, 2]
    empty = [strip._replace(labels=strip.labels * 0) for strip in report.strips]
    assert shown_slices(replace(report, strips=empty)) == [0, 1, 2, 3]
    many = np.ones((20, 4, 4), np.uint8)
    strips = [Strip("", 0, many, many)]
    assert shown_slices(replace(report, strips=strips)) == [0, 3, 5, 8, 11, 14, 16, 19]


def test_a_report_without_curve_or_measures_is_drawn(report):
    page = figure(replace(report, curves=(), rows=(), marks=(), edited=frozenset()))
    assert "Measure" not in texts(page)
    assert len(page.axes) == 4  # pictures alone


def test_edited_slices_are_counted_from_one_by_frame():
    edited = frozenset({(0, 4), (2, 4), (1, 0)})
    assert edited_words(edited) == "Labels edited by hand in frame 1: slice 2; frame 5: slice 1, 3."


def test_text_is_wrapped_by_its_width():
    lines = wrapped("one two three four", 7, width_mm("one two", 7))
    assert lines == ["one two", "three", "four"]
    assert wrapped("", 7, 10) == []
    assert width_mm("one", 7, strong=True) > width_mm("one", 7)
    first, last = spread_columns([("a", []), ("b", [])], 7, 10, 100)
    assert first.place_mm == 10
    assert last.place_mm == pytest.approx(100 - width_mm("b", 7, strong=True))


def test_images_are_described_by_size():
    words = image_words((20, 11, 128, 112), (10, 2.4, 2.4), 0.0405, "#7")
    assert words == (
        "11 slices of 112 x 128 pixels of 2.4 x 2.4 mm, 10 mm apart; 20 frames, 40.5 ms apart; "
        "series #7"
    )
    assert (
        image_words((1, 1, 9, 8), (5, 1, 1), float("nan"))
        == "one slice of 8 x 9 pixels of 1 x 1 mm"
    )


def subject_of(tmp_path, key, labels, spacing_mm=(10.0, 2.0, 2.0)):
    """Folders and tables of a subject `a` as the stages of a study write them."""
    sequence, interval_s = SEQUENCES[key], 0.05
    for folder, voxels in (("images", labels.astype(np.int16) * 100), ("labels", labels)):
        Cine(voxels, AFFINE, interval_s).save(tmp_path / folder / f"a/{key}.nii.gz")
    curves = volume_curves(labels, spacing_mm, "a", sequence=sequence)
    tables = {name: str(tmp_path / f"{name}.tsv") for name in ("volumes", "curves", "audit")}
    tables["intervals"] = ""
    write_table(curves, tables["curves"])
    if key == "sa":
        write_table(volumes_table(curves, {"a": interval_s}, "max"), tables["volumes"])
    header = "subject\tproblem\tresolution\timage\tdetail\n"
    (tmp_path / "audit.tsv").write_text(header + "a\trows < columns\trotated\t1\t\n" * 2)
    (tmp_path / "weights").write_bytes(b"")
    model = {"name": "mine", "weights": str(tmp_path / "weights")}
    return tmp_path / "images/a", tmp_path / "labels/a", [sequence], tables, model, curves


def test_the_report_of_a_study_has_its_volumes_and_no_name_but_the_title(tmp_path):
    *given, curves = subject_of(tmp_path, "sa", discs([9, 6, 8]))
    made = report_of(*given, Person(180, 80, 60, Sex.MALE))
    rows = {row.name: row for row in made.rows}
    edv, esv = curves["lv_ml"][0], curves["lv_ml"][1]
    assert rows["EDV"].quantity.value == pytest.approx(edv)
    assert rows["EDV"].indexed.value == pytest.approx(edv / 2)
    assert rows["EF"].quantity.value == pytest.approx(100 * (1 - esv / edv))
    assert rows["EDV"].quantity.outside == "below"
    assert rows["Heart rate"].quantity.value == pytest.approx(60 / 0.15)
    assert [(s.title, s.frame) for s in made.strips] == [("ED, frame 1", 0), ("ES, frame 2", 1)]
    assert made.marks == [("ED", 0), ("ES", 1)]
    assert made.title == ""
    # the hash of no bytes
    assert made.facts[0] == ("Model", "mine, sha256 of its weights e3b0c44298fc")
    assert made.notes[-1] == "Repaired in the import: rows < columns: rotated."


def test_the_report_of_a_calibrated_model_has_intervals_and_says_of_whom(tmp_path):
    *given, _curves = subject_of(tmp_path, "sa", discs([9, 6, 8]))
    ends = {"edv_ml_low": [1.0], "edv_ml_high": [2.5], "ef_low": [0.4], "ef_high": [0.6]}
    table = pd.DataFrame({"subject": ["a"], **ends, "esv_ml_low": [np.nan], "origin": ["of 35"]})
    given[3]["intervals"] = str(tmp_path / "intervals.tsv")
    write_table(table, given[3]["intervals"])
    made = report_of(*given, Person())
    rows = {row.name: row.quantity.interval for row in made.rows}
    assert rows["EDV"] == (1.0, 2.5)
    assert rows["EF"] == pytest.approx((40, 60))
    assert rows["ESV"] is None
    assert "Interval: of 35" in made.notes
    none = table.assign(origin="no intervals: of mice").drop(columns=list(ends))
    write_table(none, given[3]["intervals"])
    assert "No intervals: of mice." in report_of(*given, Person()).notes


def test_the_report_of_a_view_has_areas(tmp_path):
    labels = discs([5, 7, 6])[:, 1:2]
    labels[labels == Tissue.LV] = Tissue.LA
    labels[labels == Tissue.MYO] = 0
    *given, curves = subject_of(tmp_path, "la_2ch", labels)
    made = report_of(*given, Person())
    values = measures_of_curve(curves, SEQUENCES["la_2ch"])
    assert made.unit == "cm²"
    assert [s.title for s in made.strips] == ["largest, frame 2", "smallest, frame 1"]
    shown = {row.name: row.quantity.value for row in made.rows}
    assert shown == pytest.approx(
        {"LA max area": values["la_max_cm2"], "LA min area": values["la_min_cm2"]}
    )


def test_a_heart_that_was_not_found_is_said(tmp_path):
    *given, _ = subject_of(tmp_path, "sa", discs([9, 0, 8]))
    assert report_of(*given, Person()).warnings == [
        "No LV cavity was found in frame 2: check end-diastole and end-systole."
    ]
    *given, _ = subject_of(tmp_path / "b", "sa", np.zeros((2, 4, 40, 40), np.uint8))
    made = report_of(*given, Person())
    assert made.warnings == ["No LV cavity was found in any image."]
    assert pdf_of(figure(made), "x").startswith(b"%PDF")
