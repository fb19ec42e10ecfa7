"""Strain of rings: the published example and code, closed forms, and every convention."""

from io import StringIO

import numpy as np
import pytest

from cmrseg.measure.ring_strain import LAYERS, known_links, layer_strain, link_lengths_mm
from cmrseg.ring import by_spoke
from tag_rings import RADII_PX, beating, example_points, from_published, incompressible

SQUARE = (1.0, 1.0)
AROUND = {layer.key: layer for layer in LAYERS if layer.direction == "circumferential"}
ACROSS = next(layer for layer in LAYERS if layer.direction == "radial")

# Of the published example, frame by frame: radial Green and linear, circumferential Green of
# subendocardium, mid-wall, subepicardium and all walls, linear of mid-wall and all walls.
PUBLISHED = np.loadtxt(
    StringIO("""
    0.000000  0.000000  0.000000  0.000000  0.000000  0.000000  0.000000  0.000000
    0.009646  0.009253 -0.034852 -0.022002 -0.014994 -0.025138 -0.022287 -0.025602
    0.029096  0.027202 -0.081670 -0.051479 -0.034752 -0.058635 -0.053029 -0.061191
    0.053351  0.049397 -0.140075 -0.089526 -0.061260 -0.101257 -0.094212 -0.108965
    0.075568  0.069787 -0.203227 -0.132890 -0.093100 -0.148814 -0.143664 -0.166296
    0.105193  0.096586 -0.262009 -0.174359 -0.122661 -0.192807 -0.193963 -0.224506
    0.149872  0.135515 -0.306082 -0.205112 -0.140851 -0.223501 -0.233553 -0.269892
    0.186004  0.165709 -0.322939 -0.215343 -0.143272 -0.232821 -0.247480 -0.285854
    0.185432  0.164687 -0.314039 -0.206936 -0.136345 -0.225034 -0.236494 -0.274441
    0.160866  0.143212 -0.286800 -0.185737 -0.122973 -0.205102 -0.209175 -0.244806
    0.121532  0.108616 -0.242615 -0.154264 -0.104180 -0.174000 -0.170251 -0.201297
    0.081592  0.072978 -0.188228 -0.117886 -0.082316 -0.136088 -0.127433 -0.152427
    0.051139  0.045554 -0.133826 -0.082937 -0.060479 -0.097955 -0.088220 -0.106959
    0.032203  0.028438 -0.087762 -0.054202 -0.041577 -0.065300 -0.057264 -0.070432
    0.020396  0.017579 -0.053590 -0.033683 -0.027644 -0.041005 -0.035815 -0.044471
    0.009961  0.007611 -0.030429 -0.020703 -0.019140 -0.024951 -0.022466 -0.027721
   -0.001706 -0.003766 -0.014981 -0.012874 -0.014767 -0.014883 -0.014413 -0.017228
   -0.013019 -0.014833 -0.003558 -0.007393 -0.012141 -0.007753 -0.008712 -0.009730
   -0.021270 -0.022837  0.006653 -0.001991 -0.009014 -0.001002 -0.003080 -0.002643
   -0.025637 -0.026946  0.017057  0.004414 -0.004352  0.006621  0.003541  0.005270
    """)
)


def strain(points, layer, *convention, spacing_mm=SQUARE, **more):
    return layer_strain(link_lengths_mm(points, spacing_mm), layer, *convention, **more)


def test_strain_of_the_published_example_is_the_published_one(data):
    points = example_points(data)
    found = [
        *(strain(points, ACROSS, tensor) for tensor in ("green", "lagrangian")),
        *(strain(points, AROUND[key]) for key in ("subendo", "midwall", "subepi", "wall")),
        *(strain(points, AROUND[key], "lagrangian") for key in ("midwall", "wall")),
    ]
    np.testing.assert_allclose(np.hstack(found), PUBLISHED, atol=6e-7)
    peaks = [strain(points, AROUND[key]).min() for key in ("endo", "epi")]
    assert peaks == pytest.approx([-0.392849, -0.116934], abs=6e-7)


@pytest.mark.parametrize("of", ["example", "random"])
def test_strain_is_that_of_the_original_program(data, of):
    with np.load(data / "tagging_oracle" / "expected.npz") as expected:
        reference = {
            tensor: [expected[f"strain_{of}_{d}{infix}_strains"] for d in ("rr", "cc")]
            for tensor, infix in (("green", ""), ("lagrangian", "_linear"))
        }
        points = example_points(data, "cropped_landmark_coords")
        # The original maps random landmarks back in float32.
        tolerance = {"rtol": 1e-9, "atol": 1e-12}
        if of == "random":
            points = from_published(expected["strain_random_landmarks_256"])
            tolerance = {"rtol": 2e-4, "atol": 2e-4}
    for tensor, (radial, around) in reference.items():
        np.testing.assert_allclose(strain(points, ACROSS, tensor), radial[..., 0].T, **tolerance)
        for column, key in ((0, "endo"), (1, "subendo"), (3, "midwall"), (5, "subepi"), (6, "epi")):
            found = strain(points, AROUND[key], tensor)
            np.testing.assert_allclose(found, around[..., column].T, **tolerance)
        np.testing.assert_allclose(
            strain(points, AROUND["wall"], tensor), around[..., 7].T, **tolerance
        )


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer.direction} {layer.key}")
@pytest.mark.parametrize("average", ["links", "contour"])
def test_a_heart_that_shrinks_by_a_tenth_has_the_same_strain_everywhere(layer, average):
    points = beating([1, 0.9, 1.2])
    expected = np.tile([[0], [-0.095], [0.22]], 3)
    np.testing.assert_allclose(strain(points, layer, "green", average), expected, atol=1e-12)
    expected = np.tile([[0], [-0.1], [0.2]], 3)
    np.testing.assert_allclose(strain(points, layer, "lagrangian", average), expected, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer.direction} {layer.key}")
def test_a_heart_that_is_turned_and_moved_has_no_strain(layer):
    turn = np.deg2rad(25)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    first = beating([1])
    moved = np.concatenate([first, first @ rotation + [5, -3]])
    np.testing.assert_allclose(strain(moved, layer), 0, atol=1e-12)


def test_a_wall_that_keeps_its_area_shortens_most_inside_and_thickens():
    points = incompressible([0, 36])
    after = np.sqrt(RADII_PX**2 - 36)
    stretch = after / RADII_PX
    for key, wall in (("endo", 0), ("subendo", 1), ("midwall", 3), ("subepi", 5), ("epi", 6)):
        found = strain(points, AROUND[key])
        np.testing.assert_allclose(found[1], (stretch[wall] ** 2 - 1) / 2)
    # The cavity's radius falls from 10 to 8 px.
    assert strain(points, AROUND["endo"], "lagrangian")[1, 0] == pytest.approx(-0.2)
    assert strain(points, AROUND["wall"])[1, 0] == pytest.approx(((stretch**2 - 1) / 2).mean())
    # The wall's thickness grows from 12 px to sqrt(448) - 8.
    thick = (448**0.5 - 8) / 12
    assert strain(points, ACROSS, "lagrangian")[1, 0] == pytest.approx(thick - 1)
    assert strain(points, ACROSS)[1, 0] == pytest.approx((thick**2 - 1) / 2)


def test_strain_of_the_contour_is_that_of_its_length_and_not_the_mean_of_its_links():
    points = beating([1, 1])
    rings = by_spoke(points)
    # Half of the mid-wall ring is drawn together: one link of 24 takes up what eleven others lose.
    rings[1, :, 1:12, 3] = rings[1, :, :1, 3]
    lengths = link_lengths_mm(points, SQUARE)["circumferential"][:, 0, :, 3]
    by_length = lengths[1].sum() / lengths[0].sum() - 1
    by_links = (lengths[1] / lengths[0] - 1).mean()
    assert by_length == pytest.approx(-11 / 24 + (lengths[1, 11] / lengths[0, 0] - 1) / 24)
    assert strain(points, AROUND["midwall"], "lagrangian", "contour")[1, 0] == pytest.approx(
        by_length
    )
    assert strain(points, AROUND["midwall"], "lagrangian")[1, 0] == pytest.approx(by_links)
    # Green's strain of the length is that of another stretch.
    green = strain(points, AROUND["midwall"], "green", "contour")[1, 0]
    assert green == pytest.approx(((1 + by_length) ** 2 - 1) / 2)
    assert strain(points, AROUND["midwall"])[1, 0] > green + 0.5


def test_the_contour_and_its_links_differ_where_links_are_unequal():
    points = np.zeros((2, 1, 168, 2))
    rings = by_spoke(points)
    # An ellipse whose long half-axis shrinks from 30 to 20 px, the other stays 10 px.
    angles = np.arange(24) * np.pi / 12
    for frame, long in enumerate((30, 20)):
        for wall in range(7):
            rings[frame, 0, :, wall] = np.stack([10 * np.sin(angles), long * np.cos(angles)], 1)
    links = strain(points, AROUND["midwall"], "lagrangian")[1, 0]
    contour = strain(points, AROUND["midwall"], "lagrangian", "contour")[1, 0]
    assert links > contour + 0.02


def test_pixels_that_are_not_square_count_in_millimetres():
    points = beating([1, 1])
    # Pixels are twice as high as wide; the heart shrinks along x alone, to a half.
    points[1, ..., 1] = 64 + (points[1, ..., 1] - 64) / 2
    wide = strain(points, AROUND["endo"], "lagrangian", "contour", spacing_mm=(1, 100))
    flat = strain(points, AROUND["endo"], "lagrangian", "contour", spacing_mm=(100, 1))
    assert wide[1, 0] == pytest.approx(-0.5, abs=0.01)
    assert flat[1, 0] == pytest.approx(0, abs=0.01)
    # In pixels that are square it is the same in px and mm.
    equal = strain(points, AROUND["endo"], spacing_mm=(1.4, 1.4))
    np.testing.assert_allclose(equal, strain(points, AROUND["endo"]))


def test_another_frame_of_reference_has_no_strain_itself():
    found = strain(beating([1, 0.8, 1]), AROUND["midwall"], "lagrangian", reference=1)
    np.testing.assert_allclose(found[:, 0], [0.25, 0, 0.25])


def test_chosen_links_alone_count():
    points = beating([1, 1])
    rings = by_spoke(points)
    # Spokes 0 to 4 move out by a fifth: the four links between them get longer.
    rings[1, :, :5] = 64 + 1.2 * (rings[1, :, :5] - 64)
    chosen = np.zeros((3, 24), bool)
    chosen[:, :4] = True
    found = strain(points, AROUND["epi"], "lagrangian", chosen=chosen)
    np.testing.assert_allclose(found[1], 0.2)
    found = strain(points, AROUND["epi"], "lagrangian", chosen=np.roll(chosen, 8, axis=1))
    np.testing.assert_allclose(found[1], 0, atol=1e-12)
    assert np.isnan(strain(points, AROUND["epi"], chosen=np.zeros((3, 24), bool))).all()


def test_a_lost_landmark_loses_its_links_and_too_many_the_ring():
    points = beating([1, 0.9, 0.9])
    rings = by_spoke(points)
    rings[1, 0, 5, 3] = np.nan
    rings[2, 0, [1, 6, 11, 16], 3] = np.nan
    layer, lengths = AROUND["midwall"], link_lengths_mm(points, SQUARE)
    np.testing.assert_allclose(known_links(lengths, layer)[:, 0], [1, 22 / 24, 16 / 24])
    found = layer_strain(lengths, layer, "lagrangian")
    np.testing.assert_allclose(found[:, 0], [0, -0.1, np.nan])
    np.testing.assert_allclose(found[2, 1:], -0.1)
    # One of seven rings is not known.
    assert np.isnan(layer_strain(lengths, AROUND["wall"])[2, 0])
    np.testing.assert_allclose(layer_strain(lengths, ACROSS, "lagrangian")[2], -0.1)


def test_landmarks_in_one_place_have_no_strain_between_them():
    points = beating([1, 0.9])
    by_spoke(points)[0, 0, 1, 0] = by_spoke(points)[0, 0, 0, 0]
    lengths = link_lengths_mm(points, SQUARE)
    assert known_links(lengths, AROUND["endo"])[1, 0] == pytest.approx(23 / 24)
    assert np.isfinite(layer_strain(lengths, AROUND["endo"])).all()


def test_what_is_no_ring_or_no_convention_is_refused():
    points = beating([1, 0.9])
    with pytest.raises(ValueError, match=r"shape \(3, 168, 2\), expected \(t, z, 168, 2\)"):
        link_lengths_mm(points[0], SQUARE)
    with pytest.raises(ValueError, match="24 spokes of 7 walls"):
        link_lengths_mm(points[:, :, :100], SQUARE)
    with pytest.raises(ValueError, match="spacing_mm must be two positive numbers"):
        link_lengths_mm(points, (1.0, 0.0))
    lengths = link_lengths_mm(points, SQUARE)
    with pytest.raises(ValueError, match="frame of reference 2, but the cine has 2 frames"):
        layer_strain(lengths, ACROSS, reference=2)
    with pytest.raises(ValueError, match=r"shape \(24,\), expected \(slice, spoke\) \(3, 24\)"):
        layer_strain(lengths, ACROSS, chosen=np.ones(24, bool))
    with pytest.raises(ValueError, match="strain 'euler' by 'links' is unknown"):
        layer_strain(lengths, ACROSS, "euler")
    with pytest.raises(ValueError, match="by 'length' is unknown; there are green, lagrangian"):
        layer_strain(lengths, ACROSS, "green", "length")
