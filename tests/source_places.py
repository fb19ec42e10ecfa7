"""Where tests of sources fetch from and to; builders of fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopback import Site, served


def own_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A web server on this machine, asked without a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with served() as site:
        yield site


def own_places(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a source and that of its downloads."""
    return tmp_path / "raw/a", tmp_path / "downloads/a"
