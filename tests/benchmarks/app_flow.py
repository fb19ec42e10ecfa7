"""How long a new user waits on the page, after the installation, and what the page shows.

`python tests/benchmarks/app_flow.py` starts `make app`, and does in Chromium what a new user does:
(a) segments a sample, (b) takes a DICOM folder of an own patient, here a digital one with a whole
examination, to the report. It prints the seconds of each step, those that a person needs to read
and to click left out, and saves a picture of the page after each step, as a desktop and as a phone
show it, in `.bench/app_flow`. Models are those of `make demo`; `--models` names other ones.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "workflow"), str(HERE.parent / "helpers")]

from app_page import FAULT, IDLE, IMAGES, READY, RESULT  # noqa: E402
from browser import Page, opened, program  # noqa: E402
from cmrseg.phantom.kaggle import Protocol  # noqa: E402
from cmrseg.phantom.pacs.export import write_export  # noqa: E402
from cmrseg.phantom.population import draw_subjects  # noqa: E402
from compare import ENVIRONMENTS, ROOT  # noqa: E402
from exports import zipped  # noqa: E402

DEMO = "results/demo/models"
SAMPLE_GOAL_S, REPORT_GOAL_S, LONGEST_S = 120, 300, 600
# A patient's short axis as clinics scan it.
SCAN = Protocol("1.5T", 30, 256, 208, 1.4, 10.0, 8.0, breath_hold_shift_mm=1.0)
# Width, height, and whether it is a phone.
SCREENS = ((1280, 900, False), (390, 844, True))
DRAWN = "new Promise((go) => requestAnimationFrame(() => setTimeout(go, 100)))"


class Watch:
    """Runs steps by the clock; between them pictures are taken. steps: name and seconds."""

    def __init__(self, page: Page, shots: Path):
        self.page, self.shots = page, shots
        self.steps: list[tuple[str, float]] = []

    def step(self, name: str, work: Callable[[], object]) -> None:
        started = time.monotonic()
        work()
        self.steps.append((name, time.monotonic() - started))
        print(f"{self.steps[-1][1]:8.1f}  {name}", flush=True)
        for width, height, phone in SCREENS:
            self.page.size(width, height, phone)
            self.page.run(DRAWN)
            if phone:
                # Where the page goes by itself once a result is there.
                self.page.run("result && bringToResult()")
            file = f"{len(self.steps)}-{name.replace(' ', '-')}-{width}x{height}"
            for ending, whole in ((".png", False), ("-whole.png", True)):
                self.page.screenshot(self.shots / f"{file}{ending}", whole)
        self.page.size(*SCREENS[0])
        self.page.run("scrollTo(0, 0)")

    def together(self, what: str, names: list[str], goal_s: float) -> None:
        spent_s = sum(seconds for name, seconds in self.steps if name in names)
        verdict = "within" if spent_s <= goal_s else "longer than"
        print(f"{spent_s:8.1f}  {what}: {verdict} the goal of {goal_s:.0f} s")


@contextmanager
def started(options: str, log: Path) -> Iterator[Callable[[], str]]:
    """`make app` while the block runs; what it gives waits for the address of the page.

    log: a new file for what it says.
    """
    command = ["make", "app", f"APP=--port 0 {options}".rstrip()]
    with open(log, "w", encoding="utf-8") as said:
        app = subprocess.Popen(
            command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )

    def address() -> str:
        while not (found := re.search(r"http://\S+", text := log.read_text("utf-8"))):
            if app.poll() is not None:
                raise SystemExit(f"make app has ended without a page:\n{text}")
            time.sleep(0.05)
        return found[0]

    try:
        yield address
    finally:
        # All of its group: make does not pass the signal on.
        with suppress(ProcessLookupError):
            os.killpg(app.pid, signal.SIGTERM)
        app.wait(30)


def settled(page: Page, until: str) -> None:
    """Wait until something is shown and nothing is done any more; a fault ends the run."""
    page.wait(f"({until}) || ({FAULT} && {IDLE})")
    if fault := page.run(FAULT):
        raise SystemExit(f"the page says: {fault}")


def downloaded(page: Page, folder: Path, ending: str) -> Path:
    """The file with an ending that the browser has saved, whole."""
    end = time.monotonic() + LONGEST_S
    while not (found := list(folder.glob(f"*{ending}"))) or list(folder.glob("*.crdownload")):
        if fault := page.run(FAULT) or (time.monotonic() > end and f"no {ending} was saved"):
            raise SystemExit(f"the page says: {fault}")
        time.sleep(0.05)
    return found[0]


def flow(watch: Watch, options: str, patient: Path, work: Path) -> None:
    page, reports = watch.page, []
    with started(options, work / "app.log") as address:

        def open_page() -> None:
            page.go(address())
            page.wait(READY)

        def click(selector: str, until: str) -> Callable[[], None]:
            def act() -> None:
                before = page.run("[imageNumber, resultNumber].join()")
                page.click(selector)
                settled(page, f"{until} && [imageNumber, resultNumber].join() !== '{before}'")

            return act

        def upload() -> None:
            before = page.run("imageNumber")
            page.choose_file("#file", patient.with_name("patient.zip"))
            settled(page, f"{IMAGES} && imageNumber !== {before}")

        def report() -> None:
            page.click("#getReport")
            reports.append(downloaded(page, work, "_report.pdf"))

        watch.step("make app to the page", open_page)
        watch.step("sample simulated", click("[data-sample=healthy]", IMAGES))
        watch.step("sample segmented", click("#label", RESULT))
        watch.step("DICOM folder zipped", lambda: zipped(patient, "patient.zip"))
        watch.step("zip read", upload)
        watch.step("patient segmented", click("#label", RESULT))
        watch.step("report saved", report)
    shutil.copy(reports[0], watch.shots / "report.pdf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, help=f"a folder of models; default {DEMO}")
    given = parser.parse_args()
    models = given.models.resolve() if given.models else ROOT / DEMO
    if not list(models.glob("*/weights.safetensors")):
        parser.error(f"{models} has no models: run make demo, or name a folder with --models")
    if program() is None:
        parser.error("no browser found: install chromium")
    shots = ENVIRONMENTS / "app_flow"
    shutil.rmtree(shots, ignore_errors=True)
    shots.mkdir(parents=True)
    row = draw_subjects(1, seed=17, diseases=["dilated"]).to_dict("records")[0]
    with tempfile.TemporaryDirectory(prefix="app-flow-") as work:
        files = write_export(Path(work) / "patient", row, SCAN).files
        print(f"a patient with {len(files)} files")
        with opened(Path(work)) as page:
            page.size(*SCREENS[0])
            watch = Watch(page, shots)
            options = f"--models {models}" if given.models else ""
            flow(watch, options, Path(work) / "patient", Path(work))
    names = [name for name, _ in watch.steps]
    watch.together("from make app to a segmented sample", names[:3], SAMPLE_GOAL_S)
    watch.together("from the DICOM folder to the report", names[3:], REPORT_GOAL_S)
    print(f"pictures and report.pdf are in {shots.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
