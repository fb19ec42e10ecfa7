"""`make bench`: one table of all stages, or with STAGES="import label" of some.

Each module of the same name gives rows: `rows(work)` with an empty folder to work in.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "workflow"), str(HERE.parent / "helpers")]

import pandas as pd  # noqa: E402

from compare import ENVIRONMENTS, ROOT, Row  # noqa: E402

# Module of each stage.
STAGES = {
    name.removeprefix("stage_"): name
    for name in sorted(path.stem for path in HERE.glob("stage_*.py"))
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="stage", help=f"{', '.join(STAGES)}; or all")
    stages = parser.parse_args().stages or list(STAGES)
    if unknown := [stage for stage in stages if stage not in STAGES]:
        parser.error(f"{', '.join(unknown)}: expected one of {', '.join(STAGES)}")
    rows: list[Row] = []
    for stage in stages:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bench-") as work:
            for row in importlib.import_module(STAGES[stage]).rows(Path(work)):
                rows.append(row)
                print(shown([row]), flush=True)
        print(f"{stage}: {time.monotonic() - started:.0f} s altogether", file=sys.stderr)
    ENVIRONMENTS.mkdir(exist_ok=True)
    pd.DataFrame([asdict(row) for row in rows]).to_csv(
        ENVIRONMENTS / "table.tsv", sep="\t", index=False, float_format="%.4g"
    )
    print(f"\n{time.strftime('%Y-%m-%d')}, {machine()}, commit {commit()}\n\n{shown(rows)}")


def shown(rows: list[Row]) -> str:
    """Rows as a table of Markdown."""
    lines = ["| stage | work | ours | peer | peer takes | ratio | floor | floor takes | gap |"]
    lines.append("| --- | --- | ---: | --- | ---: | ---: | --- | ---: | ---: |")
    for row in rows:
        cells = [
            value if isinstance(value, str) else number(value) for value in asdict(row).values()
        ]
        for place in (2, 4, 7):
            cells[place] += " s" if cells[place] else ""
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def number(value: float) -> str:
    return "" if value != value else f"{value:.3g}"


def machine() -> str:
    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []:
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
    return f"{os.cpu_count()} cores of {name}"


def commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
