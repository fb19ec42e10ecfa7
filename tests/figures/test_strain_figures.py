"""Figures of strain by tagging: layers, conventions, films, and curves that have no false peaks."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cmrseg.figures import strain_conventions, strain_curves
from cmrseg.figures.measure_curves import curves_of
from cmrseg.figures.panel_tables import trusted_details
from cmrseg.figures.strain_layers import limits_of, smooth_curve
from cmrseg.figures.tagging_movie import Film, pictures_of, write_film
from cmrseg.figures.tagging_slices import films_of
from cmrseg.measure.ring_conventions import conventions_table
from cmrseg.points import save_points
from cmrseg.sequences import image_path, points_path
from figure_data import hearts, texts
from panel_data import measured
from tag_rings import beating, example, example_points, incompressible, strain_details, tagged


def test_the_smooth_curve_passes_the_frames_and_has_no_peak_beyond_them():
    values = np.array([0, -10, -20, -20, -5, np.nan, 0])
    x, y = smooth_curve(values)
    assert (x[0], x[-1]) == (1, 7)
    assert y.min() == -20
    assert y.max() == 0
    assert np.interp(5, x, y) == pytest.approx(-5, abs=0.2)
    assert len(smooth_curve(np.array([np.nan, 3, np.nan]))[0]) == 0


def test_limits_are_tens_around_all_curves():
    assert limits_of([np.array([0, -21.0]), np.array([np.nan, 18.0])]) == (-30, 20)
    assert limits_of([np.array([np.nan])]) == (-10, 10)


def test_subjects_are_drawn_from_the_strongest_to_the_weakest():
    factors = dict(zip("abcdefg", np.linspace(0.7, 1, 7), strict=True))
    beats = {name: (1, factor, 1) for name, factor in factors.items()}
    details = strain_details(**beats)
    assert strain_curves.shown_subjects(details) == ["a", "c", "e", "g"]
    assert strain_curves.shown_subjects(details, count=2) == ["a", "g"]


def test_strain_curves_have_a_plot_for_each_level_and_subject():
    figure = strain_curves.figure(hearts())
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[:3] == ["a, basal", "a, mid", "a, apical"]
    assert len(titles) == 9
    # The mid-wall is the second of five curves, each a line and dots, above the line at 0.
    dots = figure.axes[1].lines[4].get_ydata()
    assert dots == pytest.approx([0, 50 * (0.9**2 - 1), -18, 0])
    ends = [line.get_xdata()[0] for line in figure.axes[1].lines if line.get_linestyle() == ":"]
    assert figure.axes[1].lines[-1].get_xdata()[0] == 3
    assert not ends


def test_conventions_are_those_of_the_table():
    table = conventions_table(hearts())
    assert len(table) == 3 * 7 * 4 * 4
    keys = ["subject", "direction", "layer", "place", "tensor", "average"]
    rows = table.set_index(keys).sort_index()
    one = rows.loc["b", "circumferential", "midwall", "global"]
    assert one.loc["green", "links"].tolist() == pytest.approx([50 * (0.85**2 - 1)] * 2 + [2])
    assert one.loc["lagrangian", "contour"].tolist() == pytest.approx([-15, -15, 2])


def test_a_convention_without_end_systole_has_a_peak_alone():
    table = conventions_table(hearts().assign(phase=""))
    assert table["es_percent"].isna().all()
    assert table["peak_percent"].notna().all()


def test_means_of_conventions_are_written_and_subjects_counted():
    figure = strain_conventions.figure(conventions_table(hearts()), 4)
    # Of 0.8, 0.85 and 0.9: -20, -15 and -10 %.
    assert "−15.0" in texts(figure)
    green = 50 * (np.square([0.8, 0.85, 0.9]).mean() - 1)
    assert f"−{-green:.1f}" in texts(figure)
    assert "n = 3 of 4" in texts(figure)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "endocardium"


def test_hearts_without_end_systole_are_drawn_empty():
    figure = strain_conventions.figure(conventions_table(hearts().assign(phase="")), 3)
    assert texts(figure).count("no values") == 2
    assert "n = 0 of 3" in texts(figure)


def test_strain_over_the_heartbeat_is_that_of_all_slices():
    table = curves_of("tagging", measured("a", "b", "c"), hearts())
    own = table[(table["subject"] == "a") & (table["curve"] == 0)]
    assert own["value"].tolist() == pytest.approx([0, 50 * (0.9**2 - 1), -18, 0])
    # Mid-wall, all layers, radial.
    assert set(table["curve"]) == {0, 1, 2}


def test_details_of_doubted_subjects_are_left_out():
    found = trusted_details(measured("a", "b", doubted="b"), hearts())
    assert set(found["subject"]) == {"a"}


# -- films ----------------------------------------------------------------------------------------


def film(points: np.ndarray) -> Film:
    images = np.random.default_rng(0).integers(0, 200, (len(points), 128, 128), dtype=np.uint8)
    return Film("a_slice1", "Subject a, slice 1", images, points, (1.5, 1.5), 40.0)


def test_a_film_has_a_picture_for_each_frame_and_five_a_second(tmp_path):
    write_film(film(incompressible([0, 20, 36], 1)[:, 0]), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as found:
        assert (found.n_frames, found.size) == (3, (800, 800))
        assert (found.info["duration"], found.info["loop"]) == (200, 0)
        first = np.asarray(found.convert("RGB")).copy()
        found.seek(2)
        assert (np.asarray(found.convert("RGB")) != first).any()


def test_the_same_film_has_the_same_bytes(tmp_path):
    points = beating([1, 0.9], 1)[:, 0]
    for name in ("one", "two"):
        write_film(film(points), tmp_path / f"{name}.gif")
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()


def test_landmarks_of_a_film_move_with_the_frames():
    still, moving = (list(pictures_of(film(beating(f, 1)[:, 0]))) for f in ((1, 1), (1, 0.8)))
    assert still[0].shape == (800, 800, 3)
    # The lower left picture has the landmarks.
    below = slice(420, 776), slice(26, 382)
    assert (still[1][below] != moving[1][below]).any()


def test_a_film_of_lost_landmarks_is_refused_and_frames_of_them_are_not():
    points = beating([1, 0.9, 1], 1)[:, 0]
    points[1] = np.nan
    assert len(list(pictures_of(film(points)))) == 3
    with pytest.raises(ValueError, match="slice 1: no landmark is known in the first frame"):
        next(pictures_of(film(points * np.nan)))


def test_the_published_example_can_be_filmed(data):
    with example(data) as file:
        images = file["image_seqs"][0][:2]
    points = example_points(data)[:2, 0]
    pictures = list(pictures_of(Film("a", "Example", images, points, (1.37, 1.37))))
    assert len(pictures) == 2


def test_films_are_of_the_first_subject_with_landmarks_or_those_that_are_named(tmp_path):
    image, points = tagged(2), beating([1, 0.9])
    points[0, 2] = np.nan
    for subject in "abc":
        (tmp_path / "images" / subject).mkdir(parents=True)
        (tmp_path / "ring" / subject).mkdir(parents=True)
        image.save(image_path(tmp_path / "images" / subject, "tag"))
    for subject in "bc":
        save_points(points, image, points_path(tmp_path / "ring" / subject, "tag"))
    shards = [tmp_path / "images"], [tmp_path / "ring"]
    found = films_of(*shards)
    assert [each.name for each in found] == ["b_slice1", "b_slice2"]
    assert found[0].interval_ms == pytest.approx(40)
    assert {each.name[0] for each in films_of(*shards, subjects=["c"])} == {"c"}
    with pytest.raises(ValueError, match="subject a has no landmarks of tag; name others"):
        films_of(*shards, subjects=["a"])
    save_points(points[:, :, :2], image, points_path(tmp_path / "ring" / "c", "tag"))
    with pytest.raises(ValueError, match="subject c: 2 points in a slice, expected the 168 of a"):
        films_of(*shards, subjects=["c"])


def test_a_panel_without_any_strain_says_so():
    (words,) = strain_curves.figure(pd.DataFrame({"subject": []})).texts
    assert "No strain" in words.get_text()
