"""Published weights: what the published checkpoints list, and how they become model folders."""

import csv
import hashlib
import json
import math
import os

import numpy as np
import pytest
import torch
import yaml

import study.code as tracking
import study.given as study_weights
from bundle_writer import checkpoint_variables, random_checkpoint, write_bundle
from cmrseg.cine import Cine
from cmrseg.labels import Target, tissues_of
from cmrseg.learn.convert import convert_weights
from cmrseg.learn.label import label_shard, load_model, load_network
from cmrseg.learn.prepare import check_settings
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import SETTINGS
from cmrseg.nets.fcn import FCN
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.published import check_index, model_variables, read_published, sizes_of
from cmrseg.nets.tensorbundle import read_index
from cmrseg.results.labelling import LABELLING, OPTIONAL
from cmrseg.sequences import labelled_sequence
from tiny_study import ROOT

CATALOGUE = yaml.safe_load((ROOT / "resources/weights.yaml").read_text("utf-8"))
NAMES = sorted(name for name in CATALOGUE if CATALOGUE[name]["format"] == "tensorflow")
FCNS = [name for name in NAMES if CATALOGUE[name]["network"] == "fcn"]
NARROW = CATALOGUE["ukbb_sa"] | {"width": 4}


def outputs_in(folder):
    files = {"weights": "weights.safetensors", "record": "record.json"}
    return {name: str(folder / file) for name, file in files.items()}


# -- what is published ------------------------------------------------------------------------


def checksum_rows():
    """Rows of the published weights in the table of checksums, by path."""
    with open(ROOT / "resources/checksums.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {r["path"]: r for r in rows if r["source"].startswith(("ukbb_weights", "imagenet"))}


@pytest.mark.parametrize("name", NAMES)
def test_published_index_is_read_as_listed(data, name):
    folder, file = data / "ukbb/published-index", CATALOGUE[name]["file"]
    entries = read_index(folder / f"{file}.index")
    first, *lines = (folder / f"{file}.tensors.txt").read_text().splitlines()
    listed = {}
    for line in lines:
        variable, rest = line.split(maxsplit=1)
        kind, rest = rest.split(maxsplit=1)
        shape, rest = rest.strip("[").split("]")
        sizes = tuple(int(n) for n in shape.split(",") if n)
        offset, size = map(int, rest.split())
        listed[variable] = ({"1": "float32", "3": "int32"}[kind], sizes, offset, size)
    found = {k: (e.dtype.name, e.shape, e.offset, e.size) for k, e in entries.items()}
    assert found == listed
    assert list(entries) == sorted(entries)
    assert first.endswith(f"data bytes {sum(e.size for e in entries.values())}")


@pytest.mark.parametrize("name", NAMES)
def test_published_index_holds_what_the_architecture_says(data, name):
    file = data / "ukbb/published-index" / f"{CATALOGUE[name]['file']}.index"
    entries = read_index(file)
    found = {name: (entry.dtype.name, entry.shape) for name, entry in entries.items()}
    assert found == checkpoint_variables(CATALOGUE[name])
    check_index(entries, CATALOGUE[name], file)
    channels = Target.of(CATALOGUE[name]["tissues"]).channels
    sizes = {"width": CATALOGUE[name]["width"], "channels": channels}
    assert sizes_of(entries, CATALOGUE[name]["network"], file) == sizes


@pytest.mark.parametrize("name", NAMES)
def test_checksums_are_those_of_the_published_index(data, name):
    rows, file = checksum_rows(), CATALOGUE[name]["file"]
    index = data / "ukbb/published-index" / f"{file}.index"
    row = rows[f"{file}.index"]
    assert int(row["size"]) == index.stat().st_size
    assert row["sha256"] == hashlib.sha256(index.read_bytes()).hexdigest()
    size = sum(entry.size for entry in read_index(index).values())
    assert int(rows[f"{file}.data-00000-of-00001"]["size"]) == size


def test_imagenet_files_have_the_checksum_in_their_names():
    rows = {path: row for path, row in checksum_rows().items() if path.endswith(".pth")}
    assert len(rows) == 3
    for path, row in rows.items():
        assert row["sha256"].startswith(path[-12:-4])
        assert len(row["sha256"]) == 64


@pytest.mark.parametrize(
    ("network", "tissues", "variables", "values", "entries"),
    [
        ("fcn", "lv,my,rv", 102, 1_985_556 + 3_456, 228),
        ("fcn", "lv,my,rv,la,ra", 102, 1_988_752 + 65 * 6, 228),
        ("unet_lstm", "aao,dao", 118, 2_200_678, 265),
    ],
)
def test_architectures_have_the_published_numbers(network, tissues, variables, values, entries):
    weights = {"network": network, "width": 16, "tissues": tissues}
    shapes = model_variables(weights)
    assert len(shapes) == variables
    assert sum(math.prod(shape) for shape in shapes.values()) == values
    assert len(checkpoint_variables(weights)) == entries


# -- the catalogue ----------------------------------------------------------------------------


def test_catalogue_has_the_published_networks():
    assert NAMES == ["ukbb_ao", "ukbb_la_2ch", "ukbb_la_4ch", "ukbb_la_4ch_seg4", "ukbb_sa"]
    assert sorted(CATALOGUE) == ["myops_runet", "seg459", *NAMES]
    assert {name: entry["tissues"] for name, entry in CATALOGUE.items()} == {
        "ukbb_sa": "lv,my,rv",
        "ukbb_la_2ch": "la",
        "ukbb_la_4ch": "la,ra",
        "ukbb_la_4ch_seg4": "lv,my,rv,la,ra",
        "ukbb_ao": "aao,dao",
        "seg459": "lv,my",
        "myops_runet": "lv,rv,my,edema,scar",
    }
    assert [name for name in CATALOGUE if CATALOGUE[name]["network"] not in KINDS] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue_entry_is_complete(name):
    entry = CATALOGUE[name]
    assert entry.keys() - {"sha256", "islands", "activation"} == CATALOGUE["ukbb_sa"].keys()
    shown = labelled_sequence(entry["sequence"]).tissues
    assert set(tissues_of(entry["tissues"])) <= set(shown)
    if entry["network"] in KINDS:
        check_settings(entry)


# -- conversion -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow(data, tmp_path_factory):
    """The narrow network, converted to a model's folder."""
    folder = tmp_path_factory.mktemp("models") / "ukbb_sa"
    convert_weights("ukbb_sa", NARROW, data / "ukbb", outputs_in(folder), ["a@1"])
    return folder


def test_converted_network_gives_tensorflows_logits_and_labels(data, narrow):
    expected = np.load(data / "ukbb/FCN_sa_expected.npz")
    network = load_network(NARROW, narrow / "weights.safetensors").eval()
    # The fixture is (n, x, y, c).
    images = torch.from_numpy(expected["image"].transpose(0, 3, 2, 1).copy())
    with torch.no_grad():
        logits = network(images).numpy()
    np.testing.assert_allclose(logits, expected["logits"].transpose(0, 3, 2, 1), atol=1e-4, rtol=0)
    np.testing.assert_array_equal(logits.argmax(1), expected["pred"].transpose(0, 2, 1))


def test_converted_network_labels_a_shard_as_tensorflow_does(data, narrow, tmp_path):
    expected = np.load(data / "ukbb/FCN_sa_expected.npz")
    images = expected["image"][..., 0].transpose(0, 2, 1)
    # Values whose percentiles 1 and 99 are 0 and 1 come out of the preparation as they went in.
    images = np.clip((images - 0.02) / 0.96, 0, 1)
    low, high = np.percentile(images, (1, 99))
    assert (low, high) == (0, 1)
    with torch.no_grad():
        logits = load_network(NARROW, narrow / "weights.safetensors").eval()(
            torch.from_numpy(images[:, None].astype(np.float32))
        )
    (tmp_path / "images" / "a").mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    voxels = images[None].astype(np.float32)
    Cine(voxels, np.eye(4)).save(tmp_path / "images/a/sa.nii.gz")
    label_shard(
        NARROW,
        narrow / "weights.safetensors",
        tmp_path / "images",
        tmp_path / "labels",
        "cpu",
    )
    labels = Cine.load(tmp_path / "labels/a/sa.nii.gz").voxels
    # Prepared images have 16 bits: a pixel may change where two classes are as good as equal.
    assert (labels[0] != logits.argmax(1).numpy()).mean() < 1e-4


def test_record_holds_what_labelling_needs_and_where_it_came_from(data, narrow):
    content = json.loads((narrow / "record.json").read_text())
    settings = content["settings"]
    assert settings["task"] == "segment"
    wanted = {*SETTINGS, "preparation", "intensity", "size_px", "source", "file"} - {"task"}
    assert {name: settings[name] for name in wanted} == {name: NARROW[name] for name in wanted}
    assert settings["model"] == "ukbb_sa"
    assert content["code"] == ["a@1"]
    assert [os.path.basename(name) for name in content["inputs"]] == [
        "FCN_sa.data-00000-of-00001",
        "FCN_sa.index",
    ]


def test_words_of_the_catalogue_and_cards_convert_nothing_anew():
    entry = CATALOGUE["ukbb_sa"]
    assert study_weights.without_words(
        entry | {"terms": "Others.", "limits": []}
    ) == study_weights.without_words(entry)
    assert study_weights.without_words(entry | {"width": 8}) != study_weights.without_words(entry)
    for script in ("convert_weights.py", "convert_imagenet.py"):
        used = tracking.modules_of(script)
        assert "cmrseg.results.model_card" not in used
    assert "cmrseg.results.model_card@" in "".join(tracking.code_of("write_published_card.py"))


def test_converting_again_gives_the_same_weights(data, narrow, tmp_path):
    convert_weights("ukbb_sa", NARROW, data / "ukbb", outputs_in(tmp_path), ["a@1"])
    name = "weights.safetensors"
    assert (tmp_path / name).read_bytes() == (narrow / name).read_bytes()


def test_others_may_read_weights_that_they_may_read_the_card_of(tmp_path):
    save_weights({"a": torch.zeros(2)}, tmp_path / "weights.safetensors")
    (tmp_path / "README.md").write_text("")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_labelling_knows_what_a_network_is_made_of():
    assert set(LABELLING) > SETTINGS
    assert not OPTIONAL.keys() & set(LABELLING)


def test_model_folder_is_loaded_by_its_path_alone(narrow):
    network, settings = load_model(narrow)
    assert isinstance(network, FCN)
    assert settings["tissues"] == "lv,my,rv"


def test_the_later_name_of_the_recurrent_cell_is_read_too(tmp_path):
    weights = CATALOGUE["ukbb_ao"] | {"width": 2}
    variables = random_checkpoint(tmp_path / "UNet-LSTM_ao", weights)
    later = {n.replace("conv_lstm_cell", "conv_2d_lstm_cell"): v for n, v in variables.items()}
    (tmp_path / "later").mkdir()
    write_bundle(tmp_path / "later/UNet-LSTM_ao", later)
    folders = [tmp_path, tmp_path / "later"]
    first, second = (read_published(f / "UNet-LSTM_ao", weights) for f in folders)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("name", FCNS)
def test_every_fcn_becomes_a_model_that_loads(name, tmp_path):
    weights = CATALOGUE[name] | {"width": 2}
    variables = random_checkpoint(tmp_path / weights["file"], weights)
    folder = tmp_path / name
    convert_weights(name, weights, tmp_path, outputs_in(folder), [])
    network, settings = load_model(folder)
    assert settings["tissues"] == weights["tissues"]
    assert network.logits.bias.tolist() == variables["conv2d_20/bias"].tolist()
    # (x, y, in, out) of TensorFlow is (out, in, y, x) here.
    kernel = network.levels[1][0].conv.weight.detach().numpy()
    np.testing.assert_array_equal(kernel, variables["conv2d_2/kernel"].T)


def test_aortic_network_becomes_a_model_that_loads(tmp_path):
    weights = CATALOGUE["ukbb_ao"] | {"width": 2}
    variables = random_checkpoint(tmp_path / "UNet-LSTM_ao", weights)
    convert_weights("ukbb_ao", weights, tmp_path, outputs_in(tmp_path / "ao"), [])
    network, settings = load_model(tmp_path / "ao")
    assert settings["sequence"] == "ao"
    kernel = network.backwards.conv.weight.detach().numpy()
    np.testing.assert_array_equal(kernel, variables["LSTM/backward/conv_lstm_cell/kernel"].T)
    # All values are in it but those of an output that the network does not use.
    shapes = {n: s for n, s in model_variables(weights).items() if "UNet/conv_out/" not in n}
    state = network.state_dict()
    held = sum(value.numel() for name, value in state.items() if "num_batches" not in name)
    assert held == sum(math.prod(shape) for shape in shapes.values())
