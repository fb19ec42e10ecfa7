"""Raw files of a source, by the kind of its entry in resources/sources.yaml."""

import logging
import shutil
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from cmrseg.fetch.checks import check_holds
from cmrseg.fetch.declared import CHECKSUMS, File, check_entry, files_of
from cmrseg.fetch.download import download
from cmrseg.fetch.git_tree import tree_id
from cmrseg.fetch.kaggle import GB, competition_archive
from cmrseg.fetch.unpack import unpack, unpack_nested
from cmrseg.files import replacing

logger = logging.getLogger(__name__)

# Stated sizes are rounded, and some use units of 1024, so up to a quarter more is accepted.
MOST_OF_STATED = 1.25


def fetch(
    source: str,
    entry: dict[str, Any],
    files: list[dict[str, str]],
    folder: str | Path,
    downloads: str | Path,
) -> None:
    """Create the folder of a source's raw files; it never appears incomplete.

    entry: of resources/sources.yaml. files: the source's rows of resources/checksums.tsv, as
    `files_of` takes them, for the kind `files`. downloads: a folder that is kept after an
    interruption; correct files in it are not fetched again. Data in <downloads>/by_hand are used
    instead, whatever the kind, after a check of their content: the folder is then a link to them.

    Raises FileNotFoundError with instructions for a source that cannot be downloaded, and the
    errors of `check_entry`, `files_of`, `download`, `competition_archive` and `unpack`.
    """
    check_entry(source, entry)
    listed = files_of(source, files)
    folder, downloads = Path(folder), Path(downloads)
    by_hand = downloads / "by_hand"
    if by_hand.is_dir():
        check_holds(by_hand, [*entry.get("holds", []), *(file.path for file in listed)], source)
        logger.info("source %s: using %s", source, by_hand)
        with replacing(folder) as temporary:
            temporary.symlink_to(by_hand.absolute())
    elif entry["kind"] == "files":
        _fetch_files(source, entry["url"], listed, folder, downloads)
    elif entry["kind"] == "archive":
        archive = downloads / PurePosixPath(urlsplit(entry["url"]).path).name
        with requests.Session() as session:
            download(session, entry["url"], archive, sha256=entry["sha256"])
        _unpack(source, entry, archive, folder, nested=False)
    elif entry["kind"] == "git_folder":
        archive = downloads / PurePosixPath(urlsplit(entry["url"]).path).name
        with requests.Session() as session:
            download(session, entry["url"], archive)
        _unpack_git_folder(source, entry, archive, folder)
    elif entry["kind"] == "kaggle":
        archive = competition_archive(source, entry, folder, downloads)
        _unpack(source, entry, archive, folder, nested=True)
    else:
        raise FileNotFoundError(
            f"source {source} cannot be fetched and has to be provided by hand: "
            f"{entry['how'].strip()} "
            f"Put it into {by_hand} (a link will do) and start again"
        )


def _fetch_files(source: str, url: str, files: list[File], folder: Path, downloads: Path) -> None:
    if not files:
        raise ValueError(f"source {source}: {CHECKSUMS} has no rows for it; add one per file")
    with requests.Session() as session:
        for i, file in enumerate(files, 1):
            address = url.replace("{path}", quote(file.path))
            download(session, address, downloads / file.path, file.size_bytes, file.sha256)
            if i % 100 == 0 or i == len(files):
                logger.info("source %s: %d of %d files", source, i, len(files))
    with replacing(folder) as temporary:
        for file in files:
            target = temporary / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(downloads / file.path, target)


def _unpack(
    source: str, entry: dict[str, Any], archive: Path, folder: Path, *, nested: bool
) -> None:
    most_bytes = int(entry["unpacked_gb"] * GB * MOST_OF_STATED)
    with replacing(folder) as temporary:
        unpack(archive, temporary, most_bytes)
        if nested:
            unpack_nested(temporary, most_bytes)
        check_holds(temporary, entry.get("holds", []), source)


def _unpack_git_folder(source: str, entry: dict[str, Any], archive: Path, folder: Path) -> None:
    """One folder of a code host's zip file of a commit, which has a single top-level folder."""
    whole = folder.with_name(f".whole-{folder.name}")
    shutil.rmtree(whole, ignore_errors=True)
    try:
        unpack(archive, whole, int(entry["unpacked_gb"] * GB * MOST_OF_STATED))
        found = [top / entry["folder"] for top in whole.iterdir()]
        if len(found) != 1 or not found[0].is_dir():
            raise ValueError(
                f"source {source}: {archive} has no folder {entry['folder']} within a single "
                "top-level folder; check url and folder of its entry"
            )
        there = tree_id(found[0])
        if there != entry["tree"]:
            raise ValueError(
                f"source {source}: {entry['folder']} of {archive} has the git tree id {there}, "
                f"expected is {entry['tree']}; remove the file to fetch it again. If the result "
                "is the same, the data were replaced at their source: inspect them"
            )
        check_holds(found[0], entry.get("holds", []), source)
        with replacing(folder) as temporary:
            found[0].rename(temporary)
    finally:
        shutil.rmtree(whole, ignore_errors=True)
