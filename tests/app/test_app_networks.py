"""The app: published networks are fetched, converted and listed; terms first, advice offline."""

import json
import time

import pytest
import yaml

from app import fetching
from app.models import find_models
from bundle_writer import random_checkpoint
from cmrseg.fetch import download
from cmrseg.progress import readable
from source_places import own_site, sha
from tiny_study import ROOT

site = pytest.fixture(own_site)

NAME = "ukbb_sa"
FILES = ("FCN_sa.index", "FCN_sa.data-00000-of-00001")


@pytest.fixture
def declared(site, root, tmp_path, monkeypatch):
    """A catalogue of one small network, on a server of this machine: its files."""
    entry = yaml.safe_load((ROOT / "resources/weights.yaml").read_text("utf-8"))[NAME]
    entry = {**entry, "width": 1}
    random_checkpoint(tmp_path / "FCN_sa", entry)
    files = {name: (tmp_path / name).read_bytes() for name in FILES}
    site.files = {f"/{name}": content for name, content in files.items()}
    source = {"kind": "files", "about": "Networks.", "url": site.url + "/{path}"}
    resources = root / "resources"
    resources.mkdir(exist_ok=True)
    (resources / "weights.yaml").write_text(yaml.safe_dump({NAME: entry}))
    (resources / "sources.yaml").write_text(yaml.safe_dump({fetching.SOURCE: source}))
    rows = [f"{fetching.SOURCE}\t{n}\t{len(c)}\t{sha(c)}\n" for n, c in files.items()]
    (resources / "checksums.tsv").write_text("source\tpath\tsize\tsha256\n" + "".join(rows))
    # Where the workflow's own files are looked for first.
    monkeypatch.chdir(root)
    monkeypatch.setattr(download.time, "sleep", lambda s: None)
    return files


def finished(visitor, timeout_s=120) -> dict:
    """The state when the download has ended."""
    end = time.monotonic() + timeout_s
    while (state := visitor.talk("GET", "/networks")[1])["busy"]:
        assert time.monotonic() < end, state
        time.sleep(0.02)
    return state


def test_the_networks_are_fetched_converted_and_listed(declared, visitor, root):
    _, offer = visitor.talk("GET", "/networks")
    assert offer["missing"] == [NAME]
    (terms,) = offer["terms"]
    assert terms.startswith("The authors publish the weights without a licence of their own")
    assert offer["size"] == readable(sum(map(len, declared.values())))
    assert visitor.talk("POST", "/networks", {"agreed": True})[0] == 202
    state = finished(visitor)
    assert (state["missing"], state["fault"], state["advice"]) == ([], "", [])
    folder = root / "resources/models" / NAME
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "record.json", "weights.safetensors")
    ]
    record = json.loads((folder / "record.json").read_text("utf-8"))
    assert record["settings"]["tissues"] == "lv,my,rv"
    assert record["code"][0].startswith("convert_weights.py@")
    (model,) = [m for m in find_models(root) if m.folder.name == NAME]
    assert (model.fault, model.is_toy) == ("", False)
    _, listed = visitor.talk("GET", "/models")
    assert f"{NAME} (resources)" in [m["name"] for m in listed["models"]]
    # what the rule fetch_source would make is there, too
    assert {p.name for p in (root / fetching.RAW).iterdir()} == set(FILES)


def test_without_agreement_nobody_is_asked(declared, site, visitor):
    status, answer = visitor.talk("POST", "/networks", {})
    assert (status, answer["fault"]) == (
        400,
        "The terms of the networks have to be accepted first.",
    )
    assert site.asked == []


def test_where_the_server_cannot_be_reached_advice_is_given(declared, site, visitor, root):
    site.tricks.extend([503] * download.ATTEMPTS)
    visitor.talk("POST", "/networks", {"agreed": True})
    state = finished(visitor)
    assert state["fault"].startswith("The networks could not be fetched: http://127.0.0.1")
    assert "503" in state["fault"]
    assert str(root) not in state["fault"]
    assert state["missing"] == [NAME]
    assert f"{fetching.DOWNLOADS}/by_hand" in state["advice"][0]
    assert all(name in state["advice"][0] for name in FILES)
    # files that somebody brought are used
    by_hand = root / fetching.DOWNLOADS / "by_hand"
    by_hand.mkdir(parents=True)
    for name, content in declared.items():
        (by_hand / name).write_bytes(content)
    site.files = {}
    visitor.talk("POST", "/networks", {"agreed": True})
    state = finished(visitor)
    assert (state["missing"], state["fault"]) == ([], "")


def test_it_is_fetched_once_at_a_time_and_its_progress_is_told(declared, site, visitor):
    site.tricks.append(("hang", 1.5))
    visitor.talk("POST", "/networks", {"agreed": True})
    status, answer = visitor.talk("POST", "/networks", {"agreed": True})
    assert (status, answer["fault"]) == (409, "The networks are being fetched already.")
    _, state = visitor.talk("GET", "/networks")
    assert state["doing"] in ("Connecting", "Downloading the networks")
    assert 0 <= state["part"] < 1
    assert finished(visitor)["missing"] == []
