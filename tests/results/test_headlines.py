"""The first page of the report: which numbers it shows, and how large its figures are."""

import base64
from io import BytesIO

import pandas as pd
from PIL import Image

from cmrseg.results.headlines import WIDTH_PX, Evaluated, Picture, headlines

COLUMNS = ["split", "level", "measure", "tissue", "n", "mean", "lower", "upper"]


def summary(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


MAPS = summary(
    ("all", "subject", "dice", "lv", 9, 0.99, None, None),
    ("test", "image", "dice", "lv", 90, 0.5, None, None),
    ("test", "subject", "dice", "lv", 4, 0.912, None, None),
    ("test", "subject", "dice", "my", 4, 0.807, None, None),
    ("test", "subject", "edv_difference_ml", "lv", 4, 3.0, -1.0, 7.0),
    ("test", "subject", "ef_difference", "lv", 4, -0.021, -0.05, 0.008),
)
KNOWN = summary(("test", "subject", "edv_difference_ml", "lv", 4, -12.34, -20.0, -4.7))


def page(*evaluated, pictures=()):
    return headlines("demo", {"Images": ["a < b: 9 subjects."]}, evaluated, pictures)


def test_numbers_are_of_test_subjects_and_known_volumes_count_before_those_of_contours():
    found = page(Evaluated("net", "people", [MAPS, KNOWN]))
    row = found[found.index("<td>net") : found.index("</tr>", found.index("<td>net"))]
    assert "<td>4 (test)</td><td>LV 0.91, myocardium 0.81</td>" in row
    assert "<td>−12.3 ml (−20.0 to −4.7)</td>" in row
    assert "<td>−2.1 points (−5.0 to +0.8)</td>" in row
    assert "<h1>Results of demo</h1>" in found
    assert "<li>a &lt; b: 9 subjects.</li>" in found


def test_columns_that_are_empty_everywhere_are_left_out():
    found = page(Evaluated("net", "people", [KNOWN]))
    assert "<th>EDV</th>" in found
    assert not {"<th>Dice</th>", "<th>EF</th>", "<th>Landmarks</th>"} & set(found.split("\n"))
    assert "<th>Dice</th>" not in found
    ring = summary(("out_of_fold", "subject", "error_mm", "ring", 3, 1.26, None, None))
    found = page(Evaluated("net", "tags", [ring]))
    assert "<td>3 (out of fold)</td><td>1.3 mm</td>" in found


def test_a_study_without_evaluations_has_no_table():
    assert "<table>" not in page()
    assert "<table>" not in page(Evaluated("net", "people", [summary()]))


def test_figures_are_made_smaller_and_their_lines_are_short():
    drawn = BytesIO()
    Image.effect_noise((2 * WIDTH_PX, 100), 50).save(drawn, "PNG")
    found = page(pictures=[Picture("Volumes", drawn.getvalue())])
    assert "<figcaption>Volumes</figcaption>" in found
    assert max(map(len, found.split("\n"))) < 1000
    begin = found.index("base64,") + len("base64,")

    with Image.open(BytesIO(base64.b64decode(found[begin : found.index('"', begin)]))) as image:
        assert image.size == (WIDTH_PX, 50)
