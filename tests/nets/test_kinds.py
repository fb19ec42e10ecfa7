"""What the registry says of each network is true of the network, and is what a study allows."""

import subprocess
import sys

import pytest
import torch

from cmrseg.canvas import prediction_canvas, training_canvas
from cmrseg.nets.build import BUILDERS, build_network, empty_network, make_encoder
from cmrseg.nets.encoder import EncodedNetwork
from cmrseg.nets.kinds import ENCODERS, KINDS
from cmrseg.results.network_words import NETWORKS
from networks import network_of
from small_study import MODELS, small_study
from study.tables import StudyError, columns_of
from tiny_study import ROOT

make = pytest.fixture(small_study)
BUILT = [(kind, encoder) for kind in KINDS.values() for encoder in kind.encoders or ("",)]
OF_PIXELS = [(kind, encoder) for kind, encoder in BUILT if not kind.points]
each = pytest.mark.parametrize(("kind", "encoder"), BUILT, ids=lambda part: str(part)[:40])
each_of_pixels = pytest.mark.parametrize(
    ("kind", "encoder"), OF_PIXELS, ids=lambda part: str(part)[:40]
)


def built(kind, encoder):
    settings = network_of(kind.name, 2, "lv,my", encoder=encoder)
    return build_network(settings, torch.Generator().manual_seed(1)).eval()


def test_every_network_of_the_registry_can_be_built_and_no_other():
    assert list(BUILDERS) == list(KINDS)
    assert all(kind.name == name for name, kind in KINDS.items())
    assert list(NETWORKS) == [*KINDS]
    assert len(set(NETWORKS.values())) == len(NETWORKS)


@each_of_pixels
def test_images_are_multiples_of_what_the_registry_says_and_of_no_less(kind, encoder):
    network, size = built(kind, encoder), kind.multiple_px
    with torch.inference_mode():
        # A network over time says something of each of its frames.
        frames = [1] if kind.window > 1 else []
        shape = (1, *frames, 3, size, 3 * size)
        assert network(torch.zeros(1, 1, size, 3 * size)).shape == shape
        with pytest.raises(ValueError, match=f"both must be multiples of {size}"):
            network(torch.zeros(1, 1, size, size // 2))


@each_of_pixels
def test_a_network_has_the_heads_of_the_registry(kind, encoder):
    network, size = built(kind, encoder), kind.multiple_px
    with torch.inference_mode():
        assert len(network.heads(torch.zeros(1, 1, size, size))) == kind.heads


@each
def test_networks_with_an_encoder_to_choose_are_those_with_imagenet_weights(kind, encoder):
    network = built(kind, encoder)
    assert isinstance(network, EncodedNetwork) == bool(kind.encoders)
    if kind.encoders:
        assert type(network.encoder) is type(make_encoder(encoder, 2))


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_an_encoder_that_a_network_does_not_have_is_refused(kind):
    for encoder in {"", "resnet18", *ENCODERS} - set(kind.encoders or ("",)):
        settings = network_of(kind.name, 2, "lv", encoder=encoder)
        with pytest.raises(ValueError, match=f"has no encoder, got|encoder '{encoder}' is unknown"):
            empty_network(settings)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_preparations_give_images_of_a_size_that_their_networks_take(kind):
    for preparation in kind.preparations:
        settings = {"preparation": preparation, "size_px": 64}
        if kind.points:
            for canvas_of in (training_canvas, prediction_canvas):
                with pytest.raises(ValueError, match=f"{preparation} is of networks that place"):
                    canvas_of((70, 41), settings)
            continue
        canvas = prediction_canvas((70, 41), settings, kind.multiple_px)
        assert [n % kind.multiple_px for n in canvas.size] == [0, 0]


# -- in a study -------------------------------------------------------------------------------


def test_a_models_table_may_name_what_is_in_the_registry():
    assert columns_of("models")["network"]["enum"] == list(KINDS)
    assert columns_of("models")["encoder"]["enum"] == ["", *ENCODERS]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "fcn fcn -",
            "fcn fnc -",
            r"line 2: network: 'fnc' is not one of \['fcn', 'unet', 'unet_c",
        ),
        ("base unet resnet34", "base unet resnet18", r"line 3: encoder: 'resnet18' is not one of "),
    ],
)
def test_a_name_that_is_not_in_the_registry_is_refused_by_line(make, old, new, sentence):
    assert old in MODELS
    with pytest.raises(StudyError, match=sentence):
        make(models=MODELS.replace(old, new))


def test_a_size_that_a_network_cannot_halve_is_refused(make):
    models = MODELS.replace("random unet linear 64", "random unet linear 48")
    with pytest.raises(StudyError, match="size_px 48; network unet needs a multiple of 32"):
        make(models=models)


def test_the_guide_names_every_network_and_encoder():
    rows = (ROOT / "docs/studies.md").read_text("utf-8").splitlines()
    for column, names in (("network", KINDS), ("encoder", ENCODERS)):
        row = next(line for line in rows if line.startswith(f"| `{column}` |"))
        assert [name for name in names if f"`{name}`" not in row] == []


def test_a_study_is_checked_without_torch():
    program = (
        "import sys; sys.modules['torch'] = None; sys.path.insert(0, 'workflow'); "
        "import study.load, study.prediction, study.sources, study.tidy"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
