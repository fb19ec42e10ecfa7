"""Trainings on drawn hearts, stopped after any epoch and held against one that was not stopped."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.learn import state as states
from cmrseg.learn.slices import Slices
from cmrseg.learn.train import train
from cmrseg.learn.weights import save_weights
from cmrseg.tasks.build import task_of

Heart = tuple[np.ndarray, np.ndarray]


def saved(folder: Path, hearts: Iterable[Heart], splits: list[str]) -> list[tuple]:
    """Image and labels of each heart in files, and the rows of slices.make_slices about them."""
    rows = []
    for i, (heart, split) in enumerate(zip(hearts, splits, strict=True)):
        paths = [folder / f"{i}_{name}.nii.gz" for name in ("image", "labels")]
        for voxels, path in zip(heart, paths, strict=True):
            Cine(voxels, np.eye(4)).save(path)
        rows.append((str(i), split, paths[:1], paths[1]))
    return rows


def trained(settings: dict, slices: Slices, *given: Any, **options: Any):
    """Result of `train` for the task of the settings. given, options: of it, behind the task."""
    return train(settings, slices, task_of(settings), *given, **options)


def resumed_alike(
    settings: dict,
    slices: Slices,
    seed: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    **options: Any,
) -> pd.DataFrame:
    """History of a training, after checking that one stopped after any epoch ends as it does:
    with the same history and the same bytes of weights. options: of `train`, whose task is that of
    the settings if none is given."""
    options |= {"seed": seed, "task": options.get("task") or task_of(settings)}
    weights, history = train(settings, slices, **options)
    save_weights(weights, folder / "whole.safetensors")
    real = states.save_state
    for stop in range(1, len(history) + 1):
        state_folder = folder / f"stopped_after_{stop}"

        def killed(state, *arguments, stop=stop):
            real(state, *arguments)
            if state.epochs_done == stop:
                raise KeyboardInterrupt

        monkeypatch.setattr(states, "save_state", killed)
        with pytest.raises(KeyboardInterrupt):
            train(settings, slices, state_folder=state_folder, **options)
        monkeypatch.setattr(states, "save_state", real)
        resumed, resumed_history = train(settings, slices, state_folder=state_folder, **options)
        save_weights(resumed, folder / "resumed.safetensors")
        pd.testing.assert_frame_equal(resumed_history, history, check_exact=True)
        files = [folder / f"{name}.safetensors" for name in ("whole", "resumed")]
        assert files[0].read_bytes() == files[1].read_bytes()
    return history
