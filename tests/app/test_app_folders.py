"""The app: downloads that are folders, a BIDS dataset of the labels and a bundle of the model."""

import gzip
import io
import json
import zipfile

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from app import passing_on, work
from app_server import PREPARATION, heart, model_folder, nifti
from cmrseg.learn.label import load_model
from networks import network_of
from tiny_study import ROOT

CARD = "# fcn\n\nA network.\n\n## Terms\n\nFor whoever asks.\n\n## Use\n\nTry it.\n"
VIEW = np.array([[-1.44, -1.08, 0, 80], [1.08, -1.44, 0, 60], [0, 0, 6, 20], [0, 0, 0, 1]])


def taken(visitor, what) -> tuple[str, dict[str, bytes]]:
    """Name of a zip that is downloaded, and its files."""
    status, content = visitor.ask("GET", f"{visitor.base}/download/{what}")
    assert status == 200, content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return visitor.headers["content-disposition"].partition("filename=")[2].strip('"'), files


@pytest.fixture
def segmented(visitor, network, root, tmp_path):
    """Somebody whose images are segmented; gives the folder of the model, which has a card."""
    folder = root / "results/demo/models/fcn"
    (folder / "README.md").write_text(CARD)
    assert visitor.upload(nifti(tmp_path))["fault"] == ""
    assert visitor.label(visitor.model)["fault"] == ""
    return folder


def test_a_bids_dataset_has_the_labels_as_downloaded_and_the_measures_of_the_page(
    visitor, segmented
):
    name, files = taken(visitor, "bids")
    stem = "sub-cine/anat/sub-cine_acq-sa_desc-fcndemo_dseg"
    assert name == "cine_bids.zip"
    assert {path.partition("/")[0] for path in files} == {"cine_bids"}
    files = {path.partition("/")[2]: content for path, content in files.items()}
    assert sorted(files) == [
        "README",
        "dataset_description.json",
        "desc-fcndemo_dseg.tsv",
        "participants.json",
        "participants.tsv",
        "phenotype/sameasures.json",
        "phenotype/sameasures.tsv",
        f"{stem}.json",
        f"{stem}.nii.gz",
    ]
    told = {path: json.loads(text) for path, text in files.items() if path.endswith(".json")}
    assert told["dataset_description.json"]["Name"] == (
        "short-axis cines of cine, segmented by fcn (demo)"
    )
    assert "EditedSlices" not in told[f"{stem}.json"]
    labels = visitor.ask("GET", f"{visitor.base}/download/labels")[1]
    assert files[f"{stem}.nii.gz"] == labels
    assert np.asarray(nib.Nifti1Image.from_bytes(gzip.decompress(labels)).dataobj).any()
    table = pd.read_csv(io.BytesIO(files["phenotype/sameasures.tsv"]), sep="\t")
    page = visitor.talk("GET", "/measures")[1]
    shown = {row["key"]: row["value"] for row in page["rows"]}
    assert table["edv_ml"].item() == pytest.approx(shown["edv_ml"])
    assert (table["ed_frame"].item(), table["es_frame"].item()) == (page["ed"], page["es"])
    assert (table["participant_id"].item(), table["edited"].item()) == ("sub-cine", 0)
    assert set(told["phenotype/sameasures.json"]) == set(table) - {"participant_id"}
    status, answer = visitor.talk("GET", "/download/bids?ed=9&es=1")
    assert (status, answer["fault"]) == (400, "Frames must be 1 to 5.")


def test_a_bids_dataset_says_which_slices_were_edited(visitor, segmented):
    number = visitor.talk("GET", "/state")[1]["result"]["number"]
    changed = np.zeros(40 * 36, np.uint8)
    changed[:5] = 2
    place = f"/labels/1/2?result={number}"
    assert visitor.talk("PUT", place, changed.tobytes())[0] == 200
    files = taken(visitor, "bids")[1]
    stem = "cine_bids/sub-cine/anat/sub-cine_acq-sa_desc-fcndemoeditedbyhand_dseg"
    told = json.loads(files[f"{stem}.json"])
    listed = visitor.ask("GET", f"{visitor.base}/download/edited")[1]
    assert told["EditedSlices"] == pd.read_csv(io.BytesIO(listed)).to_dict("records")
    assert [(row["frame"], row["slice"]) for row in told["EditedSlices"]] == [(2, 3)]
    assert told["Manual"] is False
    labels = visitor.ask("GET", f"{visitor.base}/download/labels")[1]
    assert files[f"{stem}.nii.gz"] == labels
    header = nib.Nifti1Image.from_bytes(gzip.decompress(labels)).header
    assert header["descrip"].item().startswith(b"1 of 20 slices edited by hand")
    about = json.loads(files["cine_bids/dataset_description.json"])
    assert about["Name"].endswith("segmented by fcn (demo), edited by hand")
    table = pd.read_csv(io.BytesIO(files["cine_bids/phenotype/sameasures.tsv"]), sep="\t")
    assert table["edited"].item() == 1
    described = json.loads(files["cine_bids/phenotype/sameasures.json"])["edited"]["Description"]
    assert "edited by hand" in described


def test_a_bids_dataset_of_a_view_has_its_areas(visitor, root, monkeypatch, tmp_path):
    settings = network_of("fcn", 2, "la,ra", sequence="la_4ch")
    model_folder(root / "results/demo/models/fcn", **settings)
    maps = np.where(heart(slices=3)[:, 1:2] == 1, 4, 0).astype(np.uint8)
    monkeypatch.setattr(work, "predict_cine", lambda *a, **k: maps)
    monkeypatch.setattr(work, "load_model", lambda folder: (None, settings | PREPARATION))
    path = nifti(tmp_path, heart(slices=1), affine=VIEW)
    address = f"/images?name={path.name}&sequence=la_4ch"
    assert visitor.talk("PUT", address, path.read_bytes())[0] == 202
    assert visitor.settled()["fault"] == ""
    assert visitor.label(visitor.model)["fault"] == ""
    files = taken(visitor, "bids")[1]
    assert any(path.endswith("_acq-la4ch_desc-fcndemo_dseg.nii.gz") for path in files)
    table = pd.read_csv(io.BytesIO(files["cine_bids/phenotype/la4chmeasures.tsv"]), sep="\t")
    rows = visitor.talk("GET", "/measures")[1]["rows"]
    shown = {row["key"]: row["value"] for row in rows}
    assert table["la_max_cm2"].item() == pytest.approx(shown["la_max_cm2"])
    assert shown["la_max_cm2"] > 0


def test_a_bundle_has_the_network_the_card_and_its_terms(visitor, segmented, tmp_path):
    name, files = taken(visitor, "monai")
    assert name == "fcn_monai.zip"
    assert sorted(files) == [
        "fcn_monai/configs/inference.json",
        "fcn_monai/configs/metadata.json",
        "fcn_monai/docs/README.md",
        "fcn_monai/docs/license.txt",
        "fcn_monai/docs/record.json",
        "fcn_monai/models/model.ts",
    ]
    assert files["fcn_monai/docs/README.md"].decode().endswith(CARD)
    assert files["fcn_monai/docs/license.txt"] == b"For whoever asks.\n"
    metadata = json.loads(files["fcn_monai/configs/metadata.json"])
    assert metadata["network_data_format"]["outputs"]["pred"]["num_channels"] == 4
    json.loads(files["fcn_monai/configs/inference.json"])
    assert files["fcn_monai/docs/record.json"] == (segmented / "record.json").read_bytes()
    network, settings = load_model(segmented)
    size, drawn = settings["size_px"], torch.Generator().manual_seed(1)
    images = torch.rand(2, 1, size, size, generator=drawn)
    scripted = torch.jit.load(io.BytesIO(files["fcn_monai/models/model.ts"]))
    with torch.no_grad():
        assert torch.equal(scripted(images), network.eval()(images))


def refused(visitor) -> tuple[int, str]:
    status, answer = visitor.talk("GET", "/download/monai")
    return status, answer["fault"]


def test_models_that_are_no_bundle_are_refused_with_the_reason(visitor, segmented):
    record = json.loads((segmented / "record.json").read_text())
    averaged = {**record, "settings": {**record["settings"], "views": 4}}
    (segmented / "record.json").write_text(json.dumps(averaged))
    assert refused(visitor) == (
        409,
        "There is no bundle of fcn: it averages several views of an image; a bundle holds a "
        "network of single images.",
    )
    (segmented / "record.json").write_text(json.dumps(record))
    (segmented / "README.md").unlink()
    assert refused(visitor) == (
        409,
        "There is no bundle of fcn (demo), as its folder has no card (README.md), which says on "
        "what terms the model may be used.",
    )
    (segmented / "weights.safetensors").write_bytes(b"of another training")
    assert refused(visitor) == (
        409,
        "The model fcn (demo) has changed since the images were segmented; segment them again.",
    )


def recorded(folder, settings=None, inputs=()):
    """Change the record of a model."""
    record = json.loads((folder / "record.json").read_text())
    record["settings"] |= settings or {}
    record["inputs"] = dict.fromkeys(inputs, "hash")
    (folder / "record.json").write_text(json.dumps(record))


@pytest.fixture
def catalogue(root, monkeypatch):
    """The catalogue of this project where the page runs; gives a way to change an entry."""
    monkeypatch.chdir(root)
    entries = yaml.safe_load((ROOT / passing_on.CATALOGUE).read_text("utf-8"))

    def change(name, **changes):
        entries[name] |= changes
        (root / "resources").mkdir(exist_ok=True)
        (root / passing_on.CATALOGUE).write_text(yaml.safe_dump(entries))

    change("ukbb_sa")
    return change


def test_published_weights_are_not_passed_on_before_their_authors_agree(
    visitor, segmented, catalogue
):
    recorded(segmented, {"source": "ukbb_weights", "file": "FCN_sa"})
    status, fault = refused(visitor)
    assert status == 403
    assert fault == (
        "There is no bundle of fcn (demo) as its weights may not be passed on: The authors publish "
        "the weights without a licence of their own; their code (ukbb_cardiac) is Apache-2.0. Ask "
        "them before passing the weights on. Who has their consent sets may_be_passed_on of "
        "ukbb_sa in resources/weights.yaml."
    )
    catalogue("ukbb_sa", may_be_passed_on=True)
    assert taken(visitor, "monai")[0] == "fcn_monai.zip"


def test_what_learnt_from_published_weights_has_their_terms(visitor, segmented, catalogue, root):
    # By way of another model, and by the path alone where the weights are gone.
    base = model_folder(root / "results/demo/models/base")
    recorded(segmented, inputs=["slices", "results/demo/models/base/weights.safetensors"])
    assert taken(visitor, "monai")[0] == "fcn_monai.zip"
    recorded(base, inputs=["resources/models/ukbb_sa/weights.safetensors"])
    assert refused(visitor)[1].startswith(
        "There is no bundle of fcn (demo), which started from ukbb_sa, as its weights may not be "
        "passed on: The authors publish"
    )
    # Where the folder is there, its record tells, whatever it is called.
    given = model_folder(root / "resources/models/mine")
    recorded(given, {"source": "seg459_weights", "file": "SEG459.h5"})
    recorded(base, inputs=["resources/models/mine/weights.safetensors"])
    assert "which started from seg459, as" in refused(visitor)[1]
    # Models that started from each other are looked at once.
    recorded(base, inputs=["results/demo/models/fcn/weights.safetensors"])
    assert taken(visitor, "monai")[0] == "fcn_monai.zip"
