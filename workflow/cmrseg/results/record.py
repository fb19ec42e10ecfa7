"""The record of a result: its inputs, software, device and duration."""

import json
import math
import platform
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cmrseg.files import replacing, sha256
from cmrseg.results.labelling import DEFAULTS
from cmrseg.sequences import USUAL

# Packages that can affect a number; listed with the versions that the stage loaded.
PACKAGES = (
    "nibabel",
    "numpy",
    "pandas",
    "PIL",
    "pydicom",
    "safetensors",
    "scipy",
    "skimage",
    "sklearn",
    "torch",
    "torchvision",
)


def record(
    path: str | Path,
    settings: Mapping[str, Any],
    code: Iterable[str],
    inputs: Iterable[str | Path],
    seed: int | None,
    device: str,
    started: float,
    scores: Mapping[str, Any],
    mode: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write the record of a result as JSON with sorted keys.

    code: the modules it was made by, as `module@hash`. inputs: files and folders that it was made
    of, written with their sha256. device: cpu or a GPU. started: time.time() at the start. scores:
    the result's numbers; one that is not finite becomes null. mode: how the device computed, where
    there is a choice. data: of a training, numbers of subjects and images. Times and memory differ
    from run to run: nothing may depend on them.
    Raises FileNotFoundError naming an absent input.
    """
    inputs = list(inputs)
    absent = [str(file) for file in inputs if not Path(file).exists()]
    if absent:
        raise FileNotFoundError(f"{path}: no such input: {', '.join(absent)}")
    content = {
        "settings": dict(settings),
        "code": list(code),
        "inputs": {str(file): sha256(file) for file in inputs},
        "seed": seed,
        "device": device,
        "device_name": _device_name(device),
        "mode": dict(mode or {}),
        "data": dict(data or {}),
        "versions": versions(),
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "duration_s": round(time.time() - started, 3),
        "peak_memory_mb": _peak_memory_mb(),
        "peak_gpu_memory_mb": _peak_gpu_memory_mb(device),
        "scores": dict(scores),
    }
    _write(content, path)


def copy_record(source: str | Path, path: str | Path, settings: Mapping[str, Any]) -> None:
    """Write a record again with settings that its result does not depend on, but its use does.

    source: a record. settings: added to those of the record.
    """
    content = json.loads(Path(source).read_text("utf-8"))
    content["settings"] |= settings
    _write(content, path)


def _write(content: Mapping[str, Any], path: str | Path) -> None:
    with replacing(path) as temporary:
        text = json.dumps(_plain(content), indent=2, sort_keys=True, allow_nan=False)
        temporary.write_text(text + "\n")


def _plain(value: Any) -> Any:
    """As JSON knows it: NumPy numbers become Python's, nan and infinity None, others text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages in PACKAGES that are loaded."""
    versions = {
        name: str(sys.modules[name].__version__) for name in PACKAGES if name in sys.modules
    }
    return {"python": platform.python_version(), **versions}


def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        return sys.modules["torch"].cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _peak_gpu_memory_mb(device: str) -> float | None:
    if not device.startswith("cuda"):
        return None
    return round(sys.modules["torch"].cuda.max_memory_allocated(device) / 2**20, 1)


# How records of earlier versions said what a network knows: its sequence, and a number of classes.
OF_CLASSES = {
    ("sa", 3): "lv,my",
    ("sa", 4): "lv,my,rv",
    ("la_2ch", 2): "la",
    ("la_4ch", 3): "la,ra",
    ("la_4ch", 6): "lv,my,rv,la,ra",
    ("ao", 3): "aao,dao",
}


def recorded_settings(path: str | Path) -> dict[str, Any]:
    """Settings in the record of a model, with `sequence` and `tissues` also where it is older.

    Raises ValueError naming the file that is no record of a model.
    """
    try:
        settings = dict(json.loads(Path(path).read_text("utf-8"))["settings"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: not the record of a model ({error!r})") from error
    return with_tissues(DEFAULTS | settings, str(path))


def with_tissues(settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Settings with `tissues` in the place of the `classes` of earlier versions.

    Raises ValueError naming the classes that no network of earlier versions had.
    """
    settings = dict(settings)
    if "classes" not in settings:
        return settings
    classes = settings.pop("classes")
    if "tissues" not in settings:
        sequence = settings.get("sequence", USUAL)
        try:
            settings["tissues"] = OF_CLASSES[sequence, classes]
        except (KeyError, TypeError):
            raise ValueError(
                f"{where}: classes {classes!r} of images {sequence!r}, expected "
                + ", ".join(f"{n} ({s}: {t})" for (s, n), t in OF_CLASSES.items())
                + "; write `tissues` in its place, as lv,my,rv"
            ) from None
    return settings
