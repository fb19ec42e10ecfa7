"""Sources that can be downloaded: their entries and the table of checksums, read and checked."""

import csv
from typing import Any

from cmrseg.files import check_plain
from study.tables import StudyError, own_file, read_yaml

SOURCES = "resources/sources.yaml"
CHECKSUMS = "resources/checksums.tsv"
CHECKSUM_COLUMNS = ["source", "path", "size", "sha256"]


def read_sources() -> dict[str, dict[str, Any]]:
    """Entries of resources/sources.yaml by name. Raises StudyError naming an invalid entry."""
    sources = read_yaml(own_file(SOURCES))
    for name, entry in sources.items():
        if not isinstance(entry, dict):
            raise StudyError(f"{SOURCES}, source {name}: expected keys and values, such as kind")
    return sources


def read_checksums() -> dict[str, list[dict[str, str]]]:
    """Rows of the table of checksums, by source. Raises StudyError naming file and line."""
    found: dict[str, list[dict[str, str]]] = {}
    try:
        path = own_file(CHECKSUMS)
        check_plain(path)
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t")
            if reader.fieldnames != CHECKSUM_COLUMNS:
                raise StudyError(
                    f"{CHECKSUMS}: expected the columns {', '.join(CHECKSUM_COLUMNS)}, with tabs"
                )
            for row in reader:
                if None in row or None in row.values():
                    raise StudyError(
                        f"{CHECKSUMS}, line {reader.line_num}: expected "
                        f"{len(CHECKSUM_COLUMNS)} cells, with tabs"
                    )
                found.setdefault(row.pop("source"), []).append(row)
    except StudyError:
        raise
    except (OSError, ValueError, csv.Error) as error:
        raise StudyError(f"{CHECKSUMS}: cannot be read as a table with tabs ({error})") from None
    return found
