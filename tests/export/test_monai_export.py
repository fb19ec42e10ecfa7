"""A model as a MONAI bundle: the network answers as before, and MONAI takes the metadata."""

import json

import numpy as np
import pytest
import torch

from app_server import model_folder
from cmrseg.export.monai import unfit, write_bundle
from cmrseg.learn.label import load_model


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A model's folder, and its bundle."""
    folder = tmp_path_factory.mktemp("monai")
    (folder / "net").mkdir()
    model = model_folder(folder / "net")
    (folder / "bundle").mkdir()
    write_bundle(model, folder / "bundle")
    return model, folder / "bundle"


def images_of(settings, seed=1):
    size = settings["size_px"]
    return torch.rand(3, 1, size, size, generator=torch.Generator().manual_seed(seed))


def test_the_network_of_a_bundle_answers_as_the_model(bundle):
    model, made = bundle
    network, settings = load_model(model)
    images = images_of(settings)
    scripted = torch.jit.load(made / "models/model.ts")
    with torch.no_grad():
        assert torch.equal(scripted(images), network.eval()(images))


def test_metadata_tell_what_goes_in_and_what_comes_out(bundle):
    model, made = bundle
    _, settings = load_model(model)
    told = json.loads((made / "configs/metadata.json").read_text("utf-8"))
    assert {"version", "monai_version", "pytorch_version", "numpy_version", "task"} <= set(told)
    about = told["network_data_format"]
    image, found = about["inputs"]["image"], about["outputs"]["pred"]
    assert image["spatial_shape"] == found["spatial_shape"] == [settings["size_px"]] * 2
    assert image["channel_def"] == {"0": "short-axis cines"}
    assert found["channel_def"]["0"] == "background"
    assert found["num_channels"] == len(found["channel_def"])
    assert (made / "docs/record.json").read_bytes() == (model / "record.json").read_bytes()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"views": 4}, "it averages several views of an image"),
        ({"members": {"a_1": 1}}, "it is an ensemble"),
        ({"network": "unet_lstm"}, "it sees several frames together"),
        ({"tissues": "lv,rv,wall,scar"}, "its tissues overlap"),
    ],
)
def test_models_that_one_network_of_images_does_not_tell_are_refused(bundle, changes, fault):
    _, settings = load_model(bundle[0])
    assert unfit(settings) == ""
    assert unfit({**settings, **changes}) == fault


def test_a_model_that_is_refused_is_named(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("cmrseg.export.monai.unfit", lambda settings: "it places points")
    with pytest.raises(ValueError, match="net: it places points; a bundle holds a network"):
        write_bundle(bundle[0], tmp_path)


def test_monai_builds_the_network_and_runs_the_bundle(bundle):
    monai = pytest.importorskip("monai.bundle", reason="monai is not installed")
    model, made = bundle
    network, settings = load_model(model)
    (made / "images").mkdir()
    images = images_of(settings)
    np.save(made / "images/a.npy", images[0].numpy())
    config, meta = str(made / "configs/inference.json"), str(made / "configs/metadata.json")
    monai.verify_net_in_out("network_def", meta, config, device="cpu", bundle_root=str(made))
    parser = monai.ConfigParser()
    parser.read_config(config)
    parser["bundle_root"] = str(made)
    parser.get_parsed_content("run")
    with torch.no_grad():
        expected = network.eval()(images[:1]).argmax(1)[0].numpy()
    assert (np.load(made / "eval/a.npy") == expected).all()
