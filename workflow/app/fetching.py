"""Published networks for the page: fetched, converted and described as the workflow does it.

The files lie where the rules `fetch_source`, `convert_weights` and `write_published_card` put
them, so neither the workflow nor the page makes them again.
"""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.session import Refused
from cmrseg.fetch.sources import fetch
from cmrseg.files import replacing
from cmrseg.learn.convert import convert_weights
from cmrseg.learn.label import RECORD, WEIGHTS
from cmrseg.nets.published import model_variables
from cmrseg.progress import readable
from cmrseg.results.model_card import count_parameters, published_card
from study.code import code_of
from study.given import CATALOGUE, CONVERTED, without_words
from study.sources import read_checksums, read_sources
from study.tables import StudyError, own_file, read_yaml

logger = logging.getLogger(__name__)

# What the button gets: all published networks of this source.
SOURCE = "ukbb_weights"
RAW, DOWNLOADS = f"resources/raw/{SOURCE}", f"resources/downloads/{SOURCE}"


class Fetching:
    """One download for all pages; it goes on when a page is closed.

    root: top folder of the project. An interrupted download is resumed when it is asked for again.
    """

    def __init__(self, root: Path):
        self.root = root
        self._busy = threading.Lock()
        self.doing, self.fault = "", ""
        self.advice: list[str] = []

    def state(self) -> dict[str, Any]:
        """What is missing, on which terms, and how far a download is."""
        found: dict[str, Any] = {
            "busy": self._busy.locked(),
            "doing": self.doing,
            "part": self._part(),
            "fault": self.fault,
            "advice": self.advice,
        }
        try:
            return found | _offer(self.root)
        except StudyError as error:
            return found | {"missing": [], "fault": str(error)}

    def start(self) -> None:
        """Begin in a thread of its own. Raises Refused while it runs already."""
        if not self._busy.acquire(blocking=False):
            raise Refused("The networks are being fetched already.", 409)
        self.doing, self.fault, self.advice = "Connecting", "", []
        # A thread that waits for a server does not keep the app from stopping.
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        log = logging.getLogger("cmrseg.fetch")
        heard = _Heard(self)
        log.addHandler(heard)
        try:
            self._get()
        except (StudyError, ValueError, OSError) as error:
            logger.warning("networks: %s", error)
            self.fault = self._short(f"The networks could not be fetched: {error}")
            self.advice = _advice()
        except Exception:
            logger.exception("networks")
            self.fault = "Unexpected error; see the terminal for details."
        finally:
            log.removeHandler(heard)
            self.doing = ""
            self._busy.release()

    def _get(self) -> None:
        entry, rows = read_sources()[SOURCE], read_checksums().get(SOURCE, [])
        if not (self.root / RAW).is_dir():
            self.doing = "Downloading the networks"
            fetch(SOURCE, entry, rows, self.root / RAW, self.root / DOWNLOADS)
        for name, weights in _catalogue().items():
            folder = self.root / CONVERTED / name
            if _is_there(folder):
                continue
            self.doing = f"Converting {name}"
            self._convert(name, weights, folder)

    def _convert(self, name: str, weights: Mapping[str, Any], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        outputs = {"weights": str(folder / WEIGHTS), "record": str(folder / RECORD)}
        settings = without_words(dict(weights))
        convert_weights(name, settings, self.root / RAW, outputs, code_of("convert_weights.py"))
        text = published_card(name, weights, count_parameters(model_variables(weights)))
        with replacing(folder / "README.md") as temporary:
            temporary.write_text(text, encoding="utf-8")

    def _part(self) -> float | None:
        """How much of the files is here, while they are downloaded."""
        if not self.doing or self.doing.startswith("Converting"):
            return None
        rows, folder = read_checksums().get(SOURCE, []), self.root / DOWNLOADS
        here = sum(_size(folder / row["path"]) for row in rows)
        return min(here / max(_total_bytes(rows), 1), 1.0)

    def _short(self, text: str) -> str:
        return text.replace(f"{self.root}/", "")


class _Heard(logging.Handler):
    """Shows a page what a download waits for."""

    def __init__(self, fetching: Fetching):
        super().__init__(logging.WARNING)
        self.fetching = fetching

    def emit(self, record: logging.LogRecord) -> None:
        if "next attempt" in (text := record.getMessage()):
            pause = text.rpartition("; ")[2]
            self.fetching.doing = f"No connection; {pause}"


def _catalogue() -> dict[str, dict[str, Any]]:
    """The published networks of the source, by name."""
    known: dict[str, dict[str, Any]] = read_yaml(own_file(CATALOGUE))
    return {name: entry for name, entry in known.items() if entry.get("source") == SOURCE}


def _offer(root: Path) -> dict[str, Any]:
    entry, rows, known = read_sources()[SOURCE], read_checksums().get(SOURCE, []), _catalogue()
    return {
        "missing": [name for name in known if not _is_there(root / CONVERTED / name)],
        "about": entry.get("about", ""),
        "from": entry["url"].replace("{path}", ""),
        "size": readable(_total_bytes(rows)),
        "terms": list(dict.fromkeys(str(weights["terms"]) for weights in known.values())),
        "references": list(dict.fromkeys(str(weights["reference"]) for weights in known.values())),
        "trained_on": list(dict.fromkeys(str(w["trained_on"]) for w in known.values())),
    }


def _advice() -> list[str]:
    """What to do on a machine that cannot reach the server."""
    entry, rows = read_sources()[SOURCE], read_checksums().get(SOURCE, [])
    names = ", ".join(row["path"] for row in rows)
    return [
        f"Without a connection: on another computer, download from {entry['url']} (in the place of "
        f"{{path}}) the files {names}. Put them into {DOWNLOADS}/by_hand in the folder of this "
        "project and press the button again.",
        "Behind a proxy: start the app with HTTPS_PROXY set, as in "
        "HTTPS_PROXY=http://proxy:3128 make app.",
        "What has been downloaded is kept, and the next attempt goes on from there.",
    ]


def _total_bytes(rows: list[dict[str, str]]) -> int:
    return sum(int(row["size"] or 0) for row in rows)


def _size(path: Path) -> int:
    for one in (path, path.with_name(f"{path.name}.part")):
        if one.is_file():
            return one.stat().st_size
    return 0


def _is_there(folder: Path) -> bool:
    return (folder / WEIGHTS).is_file() and (folder / RECORD).is_file()
