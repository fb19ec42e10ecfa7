"""What raw files on disk look like, so that an edit deep inside a folder is noticed.

Snakemake knows a folder by its time stamp, which does not change with the files further down.
Standard library only.
"""

import hashlib
from pathlib import Path


def state_of(path: str | Path) -> str:
    """A sum of names, sizes and times of a file, or of all files below a folder; "" without any."""
    path = Path(path)
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    # Snakemake leaves hidden time stamps.
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        return ""
    told = ((file, file.stat()) for file in files)
    lines = (f"{f.relative_to(path)} {s.st_size} {s.st_mtime_ns}" for f, s in told)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
