"""The model card: network, training data, expected images and limitations.

Markdown. The same facts always give the same text: it contains no time and no path.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cmrseg.calibrate.model_file import ModelCalibration
from cmrseg.labels import NAMES, REGIONS, Target, Tissue, tissues_of
from cmrseg.nets.kinds import KINDS
from cmrseg.results.calibration_words import interval_paragraphs
from cmrseg.results.image_words import CURVE, GREYS, labelling_sentences, size_sentence
from cmrseg.results.network_words import NETWORKS
from cmrseg.results.training_words import AUGMENTATIONS, LOSSES, MIRRORING, weights_facts
from cmrseg.sequences import USUAL, channels_of, labelled_sequence
from cmrseg.tasks.kinds import kind_of

WARNING = "Research use only; not a medical device."
# The source of a published model, by the format of its file.
MADE_OF = {
    "tensorflow": "checkpoint {} of ukbb_cardiac, value for value",
    "keras": "Keras file {}, value for value",
}
# What the conversion changes in some networks.
CHANGED = {
    "unet3plus": "; with classes 1 and 2 swapped",
    "runet": "; with rows and columns of kernels swapped",
    "unet_myops": "; with rows and columns of kernels swapped",
}
ORIENTATION = "x along the columns of the DICOM image, y along its rows, as displayed by a viewer."
STARTS = {"random": "random weights", "imagenet": "ImageNet weights of the encoder"}
TISSUES = {key: region.name for key, region in REGIONS.items()} | {
    "foreground": "all tissues together"
}
# Meaning of the parts of a score's name, longest first.
SCORES = {
    "image_dice_": "mean Dice of single images, {}",
    "dice_": "Dice of all images together, {}",
    "valid_loss": "validation loss",
    "accuracy": "fraction of pixels with the right label",
    "error_px": "mean distance of a point in pixels of the prepared image",
    "error_mm": "mean distance of a point in mm",
    "iou": "mean overlap of boxes (intersection over union)",
    "err_difference": "mean error of radial Green strain in a frame, as a fraction",
    "ecc_difference": "mean error of mid-wall circumferential Green strain, as a fraction",
}
# Columns of a history that are no scores.
NO_SCORES = ("epoch", "phase", "lr", "images", "train_loss", "best_epoch")
# Statistics of batch norms and counters are no parameters.
STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_variance", "batches_tracked")


@dataclass(frozen=True)
class Training:
    """The facts of a training.

    subjects, images: numbers in the training and validation sets, by `training` and
    `validation`. last_epoch: row of the history whose weights these are. phantom: whether the
    images show the digital heart. calibration: of the model that was trained, if it has one.
    """

    subjects: Mapping[str, int]
    images: Mapping[str, int]
    last_epoch: Mapping[str, Any]
    phantom: bool
    calibration: ModelCalibration | None = None


def count_parameters(shapes: Mapping[str, Sequence[int]]) -> int:
    """Number of trainable values among the arrays of a network, by name and shape."""
    return sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(STATISTICS))


def trained_card(row: Mapping[str, Any], parameters: int, training: Training) -> str:
    """Card of a model that was trained here. row: its row of the models table."""
    best = "best_epoch" in training.last_epoch
    return card(
        row["model"],
        {**row, "orientation": ORIENTATION},
        parameters,
        [
            "## Training data",
            table("", "", _training_facts(row, training)),
            "## Scores",
            f"After the {'best' if best else 'last'} epoch, on the validation images as prepared "
            "for training.",
            table("score", "value", score_rows(training.last_epoch)),
            *interval_paragraphs(row, training.calibration),
        ],
        limits_of(row, best, training.phantom),
        terms_of(row),
    )


def limits_of(row: Mapping[str, Any], best: bool, phantom: bool) -> list[str]:
    """What a model that was trained here cannot do.

    best: whether validation selected the epoch. phantom: see `Training`.
    """
    limits = [
        "Scores are for the training cohort; the model may fail on other scanners or patients."
    ]
    if kind_of(row).writes == "points":
        return [*limits, *_limits_of_points(row, best, phantom)]
    if phantom:
        limits.insert(0, "Trained on a digital heart: for demonstration of the workflow only.")
    shown = labelled_sequence(row["sequence"]).tissues
    if unknown := [NAMES[t] for t in shown if t not in tissues_of(row["tissues"])]:
        limits.append(f"Does not segment {', '.join(unknown)}.")
    if best:
        limits.append(
            "The validation set selected the epoch, so its scores are slightly optimistic."
        )
    if row["augmentation"] not in MIRRORING:
        limits.append("The training did not mirror images.")
    return limits


def _limits_of_points(row: Mapping[str, Any], best: bool, phantom: bool) -> list[str]:
    """Those of a network that places points in tagged cines."""
    limits = []
    if phantom:
        limits.append(
            "Trained on a digital heart alone, and not validated on people: strain of patients "
            "may be wrong without looking so."
        )
    limits.append("For tagged short-axis cines only; strain of cines without tags is no strain.")
    if row.get("coarse"):
        limits.append(
            f"Places landmarks in the box of model {row['coarse']}; where that box is wrong, "
            "landmarks are."
        )
    if best:
        limits.append(
            "The validation set selected the epoch, so its scores are slightly optimistic."
        )
    return limits


def terms_of(row: Mapping[str, Any]) -> str:
    """Under which terms the weights of a model that was trained here may be used."""
    return (
        "The weights may be used under the terms of the images and labels they were trained on"
        + ("" if row["start"] == "random" else ", and those of the weights they started from")
        + ". The workflow itself has the MIT licence."
    )


def published_card(name: str, weights: Mapping[str, Any], parameters: int) -> str:
    """Card of converted published weights. weights: their entry in the catalogue."""
    limits = list(weights["limits"])
    if not labelled_sequence(weights["sequence"]).volumetric:
        limits.insert(0, "Not for short-axis cines: areas are measured in its labels, not volumes.")
    elif weights["sequence"] != USUAL:
        limits.insert(0, "Not for short-axis cines.")
    facts = {
        "data": weights["trained_on"],
        "reference": weights["reference"],
        "made of": MADE_OF[weights["format"]].format(weights["file"])
        + (CHANGED.get(weights["network"], "") if weights["format"] == "keras" else ""),
    }
    learnt = ["## Training data", table("", "", facts), *interval_paragraphs(weights)]
    return card(name, weights, parameters, learnt, limits, weights["terms"])


def card(
    name: str,
    settings: Mapping[str, Any],
    parameters: int,
    learnt: list[str],
    limits: list[str],
    terms: str,
) -> str:
    """The text of a card. learnt: paragraphs on the training."""
    greys = GREYS[settings["preparation"]] + (CURVE if settings["intensity"] == "greys" else "")
    network = {
        "network": NETWORKS[settings["network"]],
        **({"encoder": settings["encoder"]} if settings["encoder"] else {}),
        "width": f"{settings['width']} filters in the first level",
        "parameters": f"{parameters:,}",
    }
    numbers = {Tissue.BACKGROUND: [NAMES[Tissue.BACKGROUND]]}
    for tissue, number in sorted(Target.of(settings["tissues"]).painted.items()):
        numbers.setdefault(number, []).append(NAMES[tissue])
    shown = ", ".join(sequence.name for sequence in channels_of(settings["sequence"]))
    coarse = settings.get("coarse", "")
    images = {
        "images": shown,
        "orientation": settings["orientation"],
        "grey values": greys,
        "size": size_sentence(settings, KINDS[settings["network"]].multiple_px),
    }
    task = kind_of(settings)
    maps = task.writes == "label map"
    parts = [
        f"# {name}",
        f"A network that {'segments' if maps else 'predicts points in'} {shown}. {WARNING}",
        table("", "", network),
        "## Labels" if maps else f"## Points: task {task.name}, of these tissues",
        table("number", "tissue", {int(n): " or ".join(numbers[n]) for n in sorted(numbers)}),
        *labelling_sentences(settings),
        "## Expected images",
        table("", "", images),
        *learnt,
        "## Limits",
        "\n".join(f"- {limit}" for limit in limits),
        "## Terms",
        terms,
    ]
    if maps:
        parts += _use(name, settings["sequence"], coarse)
    elif coarse:
        parts += [
            "## Use",
            "The target `predict_all` of the workflow measures strain of one examination with it:",
            f"```\n--config input=<folder, NIfTI or HDF5 file> model=<path>/{name}\n```",
            f"It needs the folder of model {coarse} beside its own, at `<path>/{coarse}`.",
        ]
    return "\n\n".join(parts) + "\n"


def _training_facts(row: Mapping[str, Any], training: Training) -> dict[str, Any]:
    last = training.last_epoch
    counts = {
        part: counted(training.images[part], "image") + " of " + counted(number, "subject")
        for part, number in training.subjects.items()
    }
    return {
        "start": STARTS.get(row["start"], f"model {row['start']}, see its card"),
        "cohort": row["cohort"] + (", a digital heart" if training.phantom else ""),
        "labels of": row["labeller"],
        "subset": f"{row['subset']} of the splits {row['splits']}"
        + (f", without fold {row['fold']}, on which it is validated" if "fold" in row else ""),
        **counts,
        "augmentation": f"{row['augmentation']}: {AUGMENTATIONS[row['augmentation']]}",
        "loss": LOSSES.get(row["loss"], row["loss"]),
        **weights_facts(row),
        "epochs": f"{int(last['epoch']) + 1}, {counted(int(last['images']), 'image')} seen, "
        f"schedule {row['schedule']}",
        "seed": row["seed"],
    }


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def score_rows(last: Mapping[str, Any]) -> dict[str, str]:
    """Scores of a row of a history, in words."""
    rows = {}
    for name, value in last.items():
        if name in NO_SCORES:
            continue
        prefix = next((prefix for prefix in SCORES if name.startswith(prefix)), "")
        words = name.replace("_", " ")
        if prefix:
            words = SCORES[prefix].format(TISSUES.get(name.removeprefix(prefix), ""))
        rows[words] = "-" if math.isnan(value) else f"{value:.4f}"
    return rows


def table(first: str, second: str, rows: Mapping[Any, Any]) -> str:
    """A table of two columns in Markdown."""
    lines = [f"| {first} | {second} |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {key} | {value} |" for key, value in rows.items())])


def _use(name: str, sequence: str, coarse: str) -> list[str]:
    """How to use a model: on a folder or a file, and in Python where it takes one sequence."""
    images = "<folder of the images>" if sequence == USUAL else "<NIfTI file>"
    if len(channels_of(sequence)) > 1:
        images = "<folder with a NIfTI file for each sequence>"
    how = [
        "The target `predict_all` of the workflow labels images with it, with the arguments",
        f"```\n--config input={images} model=<path>/{name}\n```",
    ]
    if coarse:
        how.append(f"It needs the folder of model {coarse} beside its own, at `<path>/{coarse}`.")
    if coarse or len(channels_of(sequence)) > 1:
        return ["## Use", *how]
    return [
        "## Use",
        *how,
        "In Python, with `workflow/` on its path:",
        "```python\n"
        "from cmrseg.cine import Cine\n"
        "from cmrseg.learn.label import load_model\n"
        "from cmrseg.learn.predict import predict_cine\n"
        "\n"
        f'network, settings = load_model("<path>/{name}")\n'
        'cine = Cine.load("cine.nii.gz")\n'
        "labels = predict_cine(network, cine, settings)\n"
        'cine.like(labels).save("labels.nii.gz")\n'
        "```",
        "Both prepare grey values and size; the orientation has to be correct.",
    ]
