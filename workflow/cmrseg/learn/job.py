"""Training as a job: files in, files out."""

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cmrseg.files import read_table, write_table
from cmrseg.learn.batches import training_rows
from cmrseg.learn.slices import Slices
from cmrseg.learn.step import choose_mode
from cmrseg.learn.train import train
from cmrseg.learn.weights import load_weights, save_weights
from cmrseg.results.history import result_row
from cmrseg.results.kept import keep, made_of, restore
from cmrseg.results.record import record, versions
from cmrseg.tasks.build import task_of

log = logging.getLogger(__name__)


def train_job(
    model: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    code: list[str],
    state_folder: Path,
    kept: Path,
    device: str,
) -> None:
    """Train a row of the models table and write its weights, history and record.

    inputs: slices (folder), start (weights file, or empty for random), confidence (table, or
    empty). outputs: weights, history, record. state_folder: keeps the state of an interrupted
    training; it is removed once the weights are written. kept: folder of kept results;
    if their inputs have the same content they are reused, and nothing is trained.
    """
    started = time.time()
    words = (f"{key} {'none' if value == '' else value}" for key, value in model.items())
    log.info("settings: %s", ", ".join(words))
    read = [path for path in inputs.values() if path]
    facts = {"model": dict(model), "code": code, "device": device, "versions": versions()}
    source, results = made_of(read, facts), list(outputs.values())
    if restore(kept, source, results):
        return
    start = load_weights(inputs["start"]) if inputs["start"] else None
    confidence = read_table(inputs["confidence"]) if inputs["confidence"] else None
    slices = Slices.load(inputs["slices"])
    mode, task = choose_mode(model, slices, device), task_of(model)
    weights, history = train(
        model,
        slices,
        task,
        start_state=start,
        seed=model["seed"],
        state_folder=state_folder,
        device=device,
        confidence=confidence,
        code=code,
        mode=mode,
    )
    rows = training_rows(slices, model, confidence, task.samples)
    save_weights(weights, outputs["weights"])
    write_table(history, outputs["history"])
    record(
        outputs["record"],
        settings=model,
        code=code,
        inputs=read,
        seed=model["seed"],
        device=device,
        mode=asdict(mode),
        data={
            part: {"subjects": chosen["subject"].nunique(), "images": len(chosen)}
            for part, chosen in zip(("training", "validation"), rows, strict=True)
        },
        started=started,
        scores=result_row(history),
    )
    keep(kept, source, results)
    shutil.rmtree(state_folder, ignore_errors=True)
