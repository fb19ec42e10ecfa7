"""Fill a local conda channel with wheels from PyPI and this interpreter.

usage: make_channel.py CHANNEL ENV.yaml...

Run with the Python of bootstrap-conda's folder. What the environment files name is downloaded with
all that it needs, and repacked as conda packages; the files stay as they are. pip's own variables
(PIP_CONSTRAINT) choose among versions. What this cannot show: that conda-forge has these names,
versions and builds.
"""

import configparser
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from email.parser import Parser
from pathlib import Path
from typing import Any

import yaml
import zstandard
from conda_package_streaming.create import conda_builder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

# Names on PyPI of packages that are called otherwise, by their names on conda-forge.
PYPI = yaml.safe_load(Path(__file__).with_name("pypi_names.yaml").read_text("utf-8"))
PLATFORMS = ("linux-64", "noarch")
PYTHON = "{}.{}".format(*sys.version_info)
# Parts of the standard library that no stage needs, and what is not part of it.
LEFT_OUT = {"site-packages", "__pycache__", "test", "tests", "idlelib", "turtledemo", "lib2to3"}
# Where a wheel's data folders go; others are Python's packages.
DATA = {"scripts": "python-scripts", "data": ".", "headers": "include"}

# Content and mode of a file, or the target of a link.
Entry = tuple[bytes, int] | str


def make_channel(channel: Path, envs: list[str]) -> None:
    """Fill a channel with all that environment files ask for."""
    wanted: set[str] = {"pip", "setuptools", "wheel"}
    aliases: dict[str, set[str]] = {}
    for path in envs:
        for entry in yaml.safe_load(Path(path).read_text("utf-8"))["dependencies"]:
            # A section `pip` is left to pip.
            if isinstance(entry, str):
                name, version = re.fullmatch(r"(?:.+::)?([\w.-]+)\s*(.*)", entry).groups()
                if name != "python":
                    pypi = PYPI.get(name, name)
                    wanted.add(pypi + as_pip(version.replace(" ", "")))
                    if pypi != name:
                        aliases.setdefault(pypi, set()).add(name)
    add_python(channel)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:"]
        subprocess.run([*command, "-d", folder, *sorted(wanted)], check=True)
        for path in sorted(Path(folder).glob("*.whl")):
            add_wheel(channel, path, aliases)
    for platform in PLATFORMS:
        write_index(channel, platform)


def as_pip(version: str) -> str:
    """conda's `=1.2` is `==1.2.*`; all else is written alike."""
    fuzzy = re.fullmatch(r"=([^=*]+?)(?:\.?\*)?", version)
    return f"=={fuzzy[1]}.*" if fuzzy else version


def add_python(channel: Path) -> None:
    """Add the interpreter that this runs on, with its standard library."""
    base = Path(sys.base_prefix)
    library = base / f"lib/python{PYTHON}"
    paths = [
        path
        for path in library.rglob("*")
        if not LEFT_OUT & set(path.relative_to(library).parts) and path.suffix != ".a"
    ]
    paths += [base / f"bin/python{PYTHON}", *base.glob("lib/libpython*.so*")]
    files: dict[str, Entry] = {}
    for path in paths:
        name = path.relative_to(base).as_posix()
        if path.is_symlink():
            files[name] = os.readlink(path)
        elif path.is_file():
            files[name] = (path.read_bytes(), path.stat().st_mode & 0o777)
    files["bin/python3"] = files["bin/python"] = f"python{PYTHON}"
    version = "{}.{}.{}".format(*sys.version_info)
    needs = [f"python_abi {PYTHON}.*"]
    add_package(channel, "linux-64", "python", version, needs, files, build="0_cpython")
    build = f"0_cp{PYTHON.replace('.', '')}"
    add_package(channel, "noarch", "python_abi", PYTHON, [], {}, build=build, noarch="generic")


def add_wheel(channel: Path, path: Path, aliases: Mapping[str, set[str]]) -> None:
    """Add a wheel, and an empty package that needs it for each other name it has."""
    name, release, _, tags = parse_wheel_filename(path.name)
    pure = all(tag.platform == "any" for tag in tags)
    platform = "noarch" if pure else "linux-64"
    needs = [f"python {'>=3' if pure else PYTHON + '.*'}", *map(as_conda, requires(path, ""))]
    files: dict[str, Entry] = {}
    programs: list[str] = []
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            if info.is_dir():
                continue
            content, place = wheel.read(info), placed(info.filename)
            runs = place.startswith("python-scripts/") or info.external_attr >> 16 & 0o111
            if place.startswith("python-scripts/") and content.startswith(b"#!python"):
                content = b"#!/usr/bin/env python" + content.removeprefix(b"#!python")
            files[place] = (content, 0o755 if runs else 0o644)
            if re.fullmatch(r"[^/]+\.dist-info/entry_points\.txt", info.filename):
                programs = console_scripts(content.decode())
    link = {
        "noarch": {"type": "python", "entry_points": programs},
        "package_metadata_version": 1,
    }
    version = str(release).replace("+", ".")
    add_package(channel, platform, name, version, needs, files, noarch="python", link=link)
    for alias in sorted(aliases.get(name, ())):
        needs = [f"{name} =={version}"]
        add_package(channel, platform, alias, version, needs, {}, noarch="generic")


def placed(name: str) -> str:
    """Where a file of a wheel lies in a conda package."""
    data = re.fullmatch(r"[^/]+\.data/([^/]+)/(.*)", name)
    if data is None:
        return f"site-packages/{name}"
    return os.path.normpath(f"{DATA.get(data[1], 'site-packages')}/{data[2]}")


def console_scripts(text: str) -> list[str]:
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    if "console_scripts" not in parser:
        return []
    return [f"{k} = {v.split('[')[0].strip()}" for k, v in parser["console_scripts"].items()]


def requires(path: Path, extra: str) -> Iterator[Requirement]:
    """What a wheel asks for; conda has no extras, so theirs is spelled out."""
    with zipfile.ZipFile(path) as wheel:
        name = next(n for n in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        text = wheel.read(name).decode("utf-8", "replace")
    for asked in map(Requirement, Parser().parsestr(text).get_all("Requires-Dist") or []):
        wanted = not extra if asked.marker is None else asked.marker.evaluate({"extra": extra})
        if wanted:
            yield asked
            for inner in sorted(asked.extras):
                for other in sorted(path.parent.glob("*.whl")):
                    if parse_wheel_filename(other.name)[0] == canonicalize_name(asked.name):
                        yield from requires(other, inner)


def as_conda(asked: Requirement) -> str:
    """A requirement as conda writes it."""
    parts = []
    for part in asked.specifier:
        if part.operator == "~=":
            parts += [f">={part.version}", part.version.rsplit(".", 1)[0] + ".*"]
        elif part.operator == "==" and part.version.endswith("*"):
            parts.append(part.version)
        elif part.operator != "===":
            parts.append(str(part))
    return " ".join([canonicalize_name(asked.name), ",".join(parts)]).strip()


def add_package(
    channel: Path,
    platform: str,
    name: str,
    version: str,
    needs: list[str],
    files: Mapping[str, Entry],
    build: str = "pypi_0",
    noarch: str | None = None,
    link: Mapping[str, Any] | None = None,
) -> None:
    """Write a conda package, and beside it what the channel's index says of it."""
    folder = channel / platform
    folder.mkdir(parents=True, exist_ok=True)
    index = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "depends": needs,
        "subdir": platform,
        "timestamp": 1,
    }
    if noarch:
        index["noarch"] = noarch
    paths = {"paths": [path_entry(*item) for item in files.items()], "paths_version": 1}
    told = {"index.json": index, "paths.json": paths} | ({"link.json": link} if link else {})
    info = {f"info/{key}": (json.dumps(value).encode(), 0o644) for key, value in told.items()}
    stem = f"{name}-{version}-{build}"
    with conda_builder(stem, folder, compressor=fast) as archive:
        for place, entry in {**files, **info}.items():
            member = tarfile.TarInfo(place)
            if isinstance(entry, str):
                member.type, member.linkname = tarfile.SYMTYPE, entry
                archive.addfile(member)
            else:
                member.size, member.mode = len(entry[0]), entry[1]
                archive.addfile(member, io.BytesIO(entry[0]))
    (folder / f"{stem}.json").write_text(json.dumps(index), "utf-8")


def fast() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=1)


def path_entry(place: str, entry: Entry) -> dict[str, Any]:
    if isinstance(entry, str):
        return {"_path": place, "path_type": "softlink"}
    digest = hashlib.sha256(entry[0]).hexdigest()
    size = len(entry[0])
    return {"_path": place, "path_type": "hardlink", "sha256": digest, "size_in_bytes": size}


def write_index(channel: Path, platform: str) -> None:
    """Write the list of a platform's packages."""
    folder = channel / platform
    folder.mkdir(parents=True, exist_ok=True)
    packages = {}
    for path in sorted(folder.glob("*.conda")):
        content = path.read_bytes()
        packages[path.name] = {
            **json.loads(path.with_suffix(".json").read_text("utf-8")),
            "size": len(content),
            "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    index = {"info": {"subdir": platform}, "packages": {}, "packages.conda": packages}
    (folder / "repodata.json").write_text(json.dumps(index), "utf-8")
    print(platform, len(packages), "packages")


if __name__ == "__main__":
    make_channel(Path(sys.argv[1]), sys.argv[2:])
