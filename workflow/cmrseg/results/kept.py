"""Results that need not be made again, because their inputs have not changed.

Snakemake runs a stage again when an earlier one ran again, even if that gave the same bytes. For
the costly stages inputs are compared by content. Kept results are hard links: they take no space
while they are current.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cmrseg.files import replacing, sha256

logger = logging.getLogger(__name__)

# In the folder of a study, beside what is kept: what it was made of, and sums of its bytes.
KEPT = ".kept"
FACTS = "made_of.json"


def made_of(inputs: Iterable[str | Path], facts: Mapping[str, Any]) -> str:
    """sha256 of the content of files and folders in their order, and of facts that JSON can write.

    Facts are everything else that the result depends on: settings, code, versions, device.
    Raises FileNotFoundError naming a missing input.
    """
    content = {"inputs": [sha256(path) for path in inputs], "facts": facts}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def kept_folder(output: str | Path) -> Path:
    """Folder of a job's kept results: in results/<study>/.kept, named by its first output."""
    parts = Path(output).parts
    return Path(*parts[:2], KEPT, *parts[2:])


def restore(folder: Path, source: str, outputs: Sequence[str | Path]) -> bool:
    """Restore kept results if they were made from `source`; returns whether they were.

    folder: see kept_folder. source: see made_of. outputs: files and folders, which are absent.
    Results whose bytes have changed since they were kept are not used; neither are missing ones
    or those whose facts cannot be read.
    """
    found = [folder / str(number) for number in range(len(outputs))]
    try:
        known = json.loads((folder / FACTS).read_text("utf-8"))
        expected = {"made_of": source, "sums": [sha256(path) for path in found]}
    except (OSError, ValueError, RecursionError):
        return False
    if known != expected:
        return False
    for path, output in zip(found, outputs, strict=True):
        with replacing(output) as temporary:
            _link(path, temporary)
    logger.info("made of the same as before, and taken over: %s", ", ".join(map(str, outputs)))
    return True


def keep(folder: Path, source: str, outputs: Sequence[str | Path]) -> None:
    """Keep results for `restore`, in place of those kept before."""
    with replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        for number, output in enumerate(outputs):
            _link(Path(output), temporary / str(number))
        facts = {"made_of": source, "sums": [sha256(output) for output in outputs]}
        (temporary / FACTS).write_text(json.dumps(facts), "utf-8")


def _link(path: Path, target: Path) -> None:
    """Hard links of a file or of all files of a folder; copies if links are not possible."""
    if path.is_dir():
        shutil.copytree(path, target, copy_function=_link_file)
    else:
        _link_file(path, target)


def _link_file(path: str | Path, target: str | Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)
