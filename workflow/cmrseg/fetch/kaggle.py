"""The archive of a Kaggle competition: provided by hand, or downloaded with Kaggle's client."""

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cmrseg.fetch.checks import check_room, fault, set_aside
from cmrseg.progress import PERIOD_S, readable

logger = logging.getLogger(__name__)

GB = 10**9
# With these the client prints the header that the key is in.
TALKATIVE = ("VERBOSE", "VERBOSE_OUTPUT")
SECRETS = ("KAGGLE_KEY", "KAGGLE_API_TOKEN")


def competition_archive(
    source: str, entry: dict[str, Any], folder: str | Path, downloads: str | Path
) -> Path:
    """Path of a competition's archive, downloaded if it does not exist, with its sha512 checked.

    entry: competition, archive (name of the file), sha512, unpacked_gb. folder: where it will be
    unpacked; free disk space is checked before hours of download. downloads: folder of the
    archive; an interrupted download is in its subfolder `client`, and the client resumes it.

    Raises FileNotFoundError if there is neither archive nor client, PermissionError with
    instructions if the client has no account or no permission, ConnectionError if it cannot
    resume, ValueError if the archive is another one (it is kept as <name>.bad), OSError (ENOSPC)
    if there is not enough disk space.
    """
    downloads = Path(downloads)
    archive = downloads / entry["archive"]
    if not archive.is_file():
        check_room(folder, entry["unpacked_gb"] * GB, f"source {source}: what is unpacked alone")
        _run_client(source, entry, downloads / "client", _by_hand(entry, downloads))
        os.replace(downloads / "client" / entry["archive"], archive)
    if wrong := fault(archive, None, "sha512", entry["sha512"]):
        raise ValueError(
            f"source {source}: {archive} is not the expected archive: {wrong}; it is kept as "
            f"{set_aside(archive).name}. Restart to fetch it again, or put the correct one "
            "there"
        )
    return archive


def _run_client(source: str, entry: dict[str, Any], folder: Path, by_hand: str) -> None:
    """Run the client, repeatedly as long as it makes progress before it fails."""
    # Also next to the interpreter: an environment that is not activated is not on the PATH.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    client = shutil.which("kaggle", path=places)
    if client is None:
        raise FileNotFoundError(
            f"source {source}: the Kaggle client (`kaggle`) is needed to fetch {entry['archive']} "
            "and was not found. Run with --sdm conda, or install it: pip install kaggle six. "
            f"{_account(entry)} "
            f"Or {by_hand}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / entry["archive"]
    command = [client, "competitions", "download", "-q", "-c", entry["competition"]]
    command += ["-p", str(folder)]
    while True:
        before = _size(file)
        code, said = _watch(command, file)
        if code == 0 and file.is_file():
            return
        if code == 0:
            there = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
            raise ConnectionError(
                f"source {source}: the Kaggle client ended well, but in {folder} is {there}, not "
                f"{entry['archive']}. Fetch it in another way and {by_hand}"
            )
        if _size(file) <= before:
            break
        logger.warning("the Kaggle client stopped (%s); resuming", said)
    if _size(file):
        raise ConnectionError(
            f"source {source}: the Kaggle client cannot resume: {said}. "
            f"{readable(_size(file))} are kept: start again when the connection, the "
            "disk or the account works"
        )
    raise PermissionError(
        f"source {source}: the Kaggle client got nothing of {entry['competition']}: {said}. "
        f"{_account(entry)} Or {by_hand}"
    )


def _watch(command: list[str], file: Path) -> tuple[int, str]:
    """Run a client until it ends. Returns its status and output."""
    environment = {k: v for k, v in os.environ.items() if k not in TALKATIVE}
    with tempfile.TemporaryFile() as said:
        client = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment
        )
        try:
            while True:
                try:
                    code = client.wait(PERIOD_S)
                except subprocess.TimeoutExpired:
                    logger.info("%s: %s", file.name, readable(_size(file)))
                else:
                    break
        finally:
            client.kill()
            client.wait()
        said.seek(0)
        return code, _ends(said.read().decode("utf-8", "replace"))


def _ends(text: str) -> str:
    """First and last line of the client's output, without credentials."""
    text = re.sub(r"(https?://[^\s?]+)\?\S+", r"\1", text)
    for name in SECRETS:
        if secret := os.environ.get(name):
            text = text.replace(secret, "***")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # A help text states the error first, a traceback last.
    return " ... ".join(dict.fromkeys([*lines[:1], *lines[-1:]])) or "no output"


def _account(entry: dict[str, Any]) -> str:
    return (
        "Once: make an account at https://www.kaggle.com, accept the rules at "
        f"https://www.kaggle.com/competitions/{entry['competition']}/rules, and make an API token "
        "in the account's settings; save it as ~/.kaggle/access_token or set KAGGLE_API_TOKEN (a "
        "token of the old kind: ~/.kaggle/kaggle.json, or KAGGLE_USERNAME and KAGGLE_KEY)."
    )


def _by_hand(entry: dict[str, Any], downloads: Path) -> str:
    return (
        f"put the competition's archive at {downloads / entry['archive']}, or what it holds, "
        f"unpacked, into {downloads / 'by_hand'} (a link will do)"
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
