"""Say what is wrong with environment files, without solving them; ends with 1 if anything is.

usage: validate_env.py ENV.yaml...

Needs rattler, which parses what a dependency says as conda does.
"""

import sys
from pathlib import Path
from typing import Any

import yaml
from rattler import MatchSpec

KEYS = {"name", "channels", "dependencies", "prefix", "variables"}


def faults(env: dict[str, Any]) -> list[str]:
    """What is wrong with an environment, as sentences; empty if nothing is."""
    found = [f"unknown key {key!r}" for key in sorted(set(env) - KEYS)]
    if not env.get("dependencies"):
        found.append("no dependencies")
    if "defaults" in env.get("channels", []):
        found.append("channel 'defaults': its terms are not everybody's")
    names = set()
    for entry in env.get("dependencies") or []:
        if isinstance(entry, str):
            try:
                names.add(MatchSpec(entry, strict=True).name.normalized)
            except Exception as error:  # of a type that the parser does not promise
                found.append(f"{entry!r}: {error}")
        elif set(entry) != {"pip"}:
            found.append(f"unknown section {entry}")
        elif "pip" not in names:
            found.append("section pip without the package pip before it")
    if "python" not in names:
        found.append("no python: the rule would run on that of the host")
    return found


def main(paths: list[str]) -> int:
    said = [
        f"{path}: {fault}"
        for path in paths
        for fault in faults(yaml.safe_load(Path(path).read_text("utf-8")))
    ]
    print("\n".join(said))
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
