"""Where tests of sources fetch from and to, and what is declared of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from loopback import Site, served
from tiny_study import ROOT


def own_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A web server on this machine, asked without a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with served() as site:
        yield site


def own_places(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a source and that of its downloads."""
    return tmp_path / "raw/a", tmp_path / "downloads/a"


def declared_sources():
    return yaml.safe_load((ROOT / "resources/sources.yaml").read_text("utf-8"))


def sha(content, algorithm="sha256"):
    return hashlib.new(algorithm, content).hexdigest()


def row(path, content):
    return {"path": path, "size": str(len(content)), "sha256": sha(content)}
