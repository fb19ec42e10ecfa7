"""Damaged input, case by case, in a process whose memory and time are limited.

Run as a program with an empty folder and families it writes two lines of JSON per case. What is
good is made once per family; every case gets a copy, damages it and calls what the stages call.
Copies stay, as they are small and removing them takes as long as the cases.
"""

import json
import logging
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType

import bad_annotations
import bad_dicom
import bad_hdf5
import bad_images
import bad_sources
import bad_study
import bad_weights
from bad_cases import Case

# Seconds of the processor, so that a busy machine changes no verdict. What waits in vain takes none
# of them, and is stopped by the clock.
MOST_SECONDS, MOST_BYTES = 10, 2**30
LONGEST_WAIT_S = 1200
FAMILIES = {
    **bad_dicom.FAMILIES,
    **bad_images.FAMILIES,
    **bad_annotations.FAMILIES,
    **bad_hdf5.FAMILIES,
    **bad_study.FAMILIES,
    **bad_sources.FAMILIES,
    **bad_weights.FAMILIES,
}


class Hang(BaseException):
    """A case took too long; nothing may catch it."""


def limit_memory() -> None:
    """Let the process take no more than MOST_BYTES beyond what it has."""
    status = Path("/proc/self/status")
    if status.exists():
        size = memory_bytes("VmSize") + MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def memory_bytes(field: str) -> int:
    """A line of the kernel's account of this process; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith(f"{field}:")), 0)


def ring(number: int, frame: FrameType | None) -> None:
    raise Hang


def tried(case: Case, folder: Path) -> dict[str, object]:
    """Outcome, message, seconds of the processor and peak memory of a case."""
    case.damage(folder)
    before = memory_bytes("VmRSS")
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    told: dict[str, object] = {"outcome": "ok", "kind": "", "message": "", "trace": ""}
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT_S)
    started = time.process_time()
    try:
        audited = case.run(folder)
        if audited:
            told |= {"outcome": "audited", "message": "; ".join(audited)}
    except Hang:
        told |= {"outcome": "hang", "trace": traceback.format_exc()}
    except BaseException as error:
        kind = type(error).__name__
        told |= {"outcome": "error", "kind": kind, "message": str(error)}
        told["trace"] = "".join(traceback.format_exception(error))[-3000:]
    finally:
        for clock in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(clock, 0)
    told["seconds"] = round(time.process_time() - started, 3)
    told["bytes"] = max(memory_bytes("VmHWM") - before, 0)
    return told


def main(place: Path, names: list[str]) -> None:
    logging.basicConfig(filename=place / "log", level=logging.INFO)
    logging.captureWarnings(True)
    for alarm in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(alarm, ring)
    for name in names:
        (place / name).mkdir()
        FAMILIES[name].make(place / name)
    limit_memory()
    for name in names:
        for i, case in enumerate(FAMILIES[name].cases(place / name)):
            print(json.dumps({"started": f"{name}: {case.name}"}), flush=True)
            folder = place / f"{name}{i}"
            shutil.copytree(place / name, folder)
            told = tried(case, folder)
            print(json.dumps({"family": name, "name": case.name, **told}), flush=True)
            os.chdir(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
