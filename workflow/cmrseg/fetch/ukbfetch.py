"""Bulk files of UK Biobank, fetched with its client `ukbfetch` and the user's key file."""

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from cmrseg.files import check_plain, read_table, replacing
from cmrseg.progress import PERIOD_S

logger = logging.getLogger(__name__)

# Long axes, short axis and aortic distensibility, at the first imaging visit.
FIELDS, INSTANCE = (20208, 20209, 20210), "2_0"
KEY, PROGRAM = "~/.ukbkey", "ukbfetch"
EID = re.compile(r"\d{7}")
# So many files are asked for in one run of the client.
LINES = 1000
# Runs in a row that bring nothing end the download.
ATTEMPTS = 2
# So many files are named in a message.
MOST_NAMED = 5
# Shorter words of a key file, as a version, would blank out whole messages.
SECRET_SIGNS = 4
# What may be a part of one.
PART = re.compile(r"\w{8,}")
MISSING = "missing.txt"


def fetch_bulk(
    source: str, entry: dict[str, Any], folder: str | Path, downloads: str | Path
) -> None:
    """Create a folder with `<eid>_<field>_<instance>.zip` for the subjects of a table.

    entry: subjects (path of a subject table, whose `study`, else `subject`, is the eid and whose
    `series` the instance), fields, instance, key (path of the key file), program (name or path of
    the client) and max_missing_fraction of files that UK Biobank need not have. downloads: keeps
    what was fetched; whole files there are not fetched again. Files have two names, in both
    folders, and take their place once. Files that were not there are listed in `missing.txt`.

    Raises FileNotFoundError where table or client is absent, PermissionError without a key file,
    ValueError for a study that is no eid, ConnectionError where too many files are missing after
    repeated attempts. No message and no log has a word of the key file.
    """
    wanted = wanted_files(source, entry)
    key, program = _key_file(source, entry), _program(source, entry)
    files, client = Path(downloads) / "files", Path(downloads) / "client"
    files.mkdir(parents=True, exist_ok=True)
    said = "nothing was asked for"
    failures = 0
    while failures < ATTEMPTS:
        _keep_whole(client, files, wanted)
        missing = [item for item in wanted if not (files / f"{item}.zip").is_file()]
        if not missing:
            break
        logger.info("source %s: %d of %d files are missing", source, len(missing), len(wanted))
        before = len(missing)
        for start in range(0, len(missing), LINES):
            said = _run(program, key, missing[start : start + LINES], client)
            _keep_whole(client, files, wanted)
        after = sum(not (files / f"{item}.zip").is_file() for item in missing)
        failures = failures + 1 if after == before else 0
    missing = [item for item in wanted if not (files / f"{item}.zip").is_file()]
    most = entry.get("max_missing_fraction", 0)
    if len(missing) > most * len(wanted) or len(missing) == len(wanted):
        named = ", ".join(missing[:MOST_NAMED]) + ", ..." * (len(missing) > MOST_NAMED)
        raise ConnectionError(
            f"source {source}: {len(missing)} of {len(wanted)} files were not fetched ({named}); "
            f"the client's last words: {said}. What was fetched is kept in {files}: start again "
            "when connection and account work. If UK Biobank does not have these files, raise "
            "max_missing_fraction of the source"
        )
    if missing:
        logger.warning("source %s: %d files are missing; see %s", source, len(missing), MISSING)
    shutil.rmtree(client, ignore_errors=True)
    with replacing(folder) as temporary:
        temporary.mkdir()
        for item in wanted:
            if (files / f"{item}.zip").is_file():
                _link(files / f"{item}.zip", temporary / f"{item}.zip")
        if missing:
            (temporary / MISSING).write_text("\n".join([*missing, ""]), "utf-8")


def wanted_files(source: str, entry: dict[str, Any]) -> list[str]:
    """The files of a source, as `<eid>_<field>_<instance>`, in the order of its subject table."""
    path = Path(entry["subjects"])
    if not path.is_file():
        raise FileNotFoundError(
            f"source {source}: no subject table {path}; write one with the eid of each participant "
            "as subject or study, or name yours as subjects in resources/sources.yaml"
        )
    table = read_table(path)
    if "subject" not in table:
        raise ValueError(f"source {source}: {path} has no column subject")
    wanted: dict[str, None] = {}
    for row in table.to_dict("records"):
        name = row.get("study") or row["subject"]
        eid = PurePosixPath(name).name
        if not EID.fullmatch(eid):
            raise ValueError(
                f"source {source}: {path} has study {name!r}, expected an eid of UK Biobank "
                "(7 digits)"
            )
        instance = row.get("series") or entry.get("instance", INSTANCE)
        for field in entry.get("fields", FIELDS):
            wanted[f"{eid}_{field}_{instance}"] = None
    return list(wanted)


def _key_file(source: str, entry: dict[str, Any]) -> Path:
    key = Path(entry.get("key", KEY)).expanduser().absolute()
    if not key.is_file() or not key.stat().st_size:
        raise PermissionError(
            f"source {source}: no key file of UK Biobank at {key}; UK Biobank sends it to those "
            "whose application is approved. Put it there, or name its place as key of the source "
            "in resources/sources.yaml. Nothing is asked for without it"
        )
    return key


def _program(source: str, entry: dict[str, Any]) -> str:
    name = os.path.expanduser(entry.get("program", PROGRAM))
    # Beside the interpreter, too: an environment that is not activated is not on the search path.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=places)
    if found is None:
        raise FileNotFoundError(
            f"source {source}: the client {name} of UK Biobank was not found. Download ukbfetch "
            "from the Showcase of UK Biobank, make it executable, and put it on the search path, "
            "or name its place as program of the source in resources/sources.yaml"
        )
    return os.path.abspath(found)


def _run(program: str, key: Path, items: Sequence[str], folder: Path) -> str:
    """Ask the client for some files. Returns what it said, without words of the key file."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = [" ".join(item.split("_", 1)) for item in items]
    (folder / "batch.txt").write_text("\n".join([*lines, ""]), "utf-8")
    command = [program, "-bbatch.txt", f"-a{key}"]
    with tempfile.TemporaryFile() as output:
        client = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder
        )
        try:
            while True:
                try:
                    client.wait(PERIOD_S)
                except subprocess.TimeoutExpired:
                    count = sum(1 for _ in folder.glob("*.zip"))
                    logger.info("ukbfetch: %d of %d files", count, len(items))
                else:
                    break
        finally:
            client.kill()
            client.wait()
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    return _ends(said, key)


def _ends(text: str, key: Path) -> str:
    """First and last line of the client's output, without words of the key file."""
    secrets = [w for w in key.read_text("utf-8", "replace").split() if len(w) >= SECRET_SIGNS]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    # Parts of it, too.
    text = PART.sub(lambda w: "***" if any(w[0] in s for s in secrets) else w[0], text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ... ".join(dict.fromkeys([*lines[:1], *lines[-1:]])) or "no output"


def _keep_whole(client: Path, files: Path, wanted: Sequence[str]) -> None:
    """Move what the client fetched and is whole; what an interruption cut short is fetched anew."""
    for item in wanted if client.is_dir() else ():
        path = client / f"{item}.zip"
        if path.is_file() and _is_whole(path):
            os.replace(path, files / path.name)


def _is_whole(path: Path) -> bool:
    """Whether a zip file has its directory, which is at its end."""
    try:
        check_plain(path)
        with zipfile.ZipFile(path):
            return True
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return False


def _link(path: Path, target: Path) -> None:
    """A second name for a file, or a copy where the disk has no such names."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
