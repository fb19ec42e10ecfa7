"""Checks of a study's models before any job starts; errors name the model."""

from collections.abc import Iterator
from typing import Any

from cmrseg.canvas import PREPARATIONS
from cmrseg.channels import channel_count, has_coarse_channel
from cmrseg.labels import SHORT_NAMES, Target, Tissue
from cmrseg.learn.subsets import NESTED_VOLUNTEERS
from cmrseg.measure.by_sequence import has_phases
from cmrseg.nets.kinds import KINDS
from cmrseg.results.labelling import check_coarse, check_views
from cmrseg.sequences import USUAL, channels_of, labelled_sequence
from cmrseg.tasks.kinds import kind_of, outputs_of
from study.coarse_checks import check_coarse_model, check_coarse_of_folds
from study.ensemble_checks import check_ensembles, check_member_start
from study.study import Study
from study.tables import StudyError

# Number of volunteers that each subset of volunteers needs.
VOLUNTEERS = {f"{kind}{count}": count for count in NESTED_VOLUNTEERS for kind in "vr"}
STARTS = ("random", "imagenet")
# Subsets of the frames with the largest and the smallest LV cavity.
PHASES = ("esed", "r_esed")
# Settings that must be equal for one network to start from the other.
SHARED = ("network", "encoder", "width")
# Schedules that may end before their last epoch, and those that keep the best one (learn.schedule).
STOPPING = ("early_stopping", "tag_box")
KEEPING = (*STOPPING, "tag_ring")
# Augmentations of networks that place points (learn.tag_augment).
POINT_AUGMENTATIONS = ("tag_turned", "tag_turned_compat", "tag_moved", "tag_cmrseg")
# Networks with a choice of encoder.
ENCODED = tuple(name for name, kind in KINDS.items() if kind.encoders)


def check_models(study: Study) -> None:
    annotators = {a for cohort in study.cohorts for a in study.annotators(cohort)}
    for model in study.model_names:
        if model in annotators:
            raise StudyError(f"'{model}' is both a model and an annotator; rename one of them")
        _check_images(model, study.model(model))
        _check_tissues(model, study.model(model))
        check_coarse_model(study, model)
        if model in STARTS:
            raise StudyError(f"a model cannot be named '{model}', which is a start; rename it")
    for model in (*study.models, *study.ensembles):
        if model in study.given:
            raise StudyError(f"model {model} is in the models table and in `weights`; rename one")
    for model, row in study.models.items():
        check_labeller(study, f"model {model}", row["cohort"], row["labeller"])
        _check_learnt(study, model, row)
        _check_start(study, model, row)
        check_coarse_of_folds(study, model, row)
        _check_row(model, row)
        table = study.subjects[row["cohort"]]
        # Members of folds are validated on the fold that they leave out.
        if "fold" not in row and not table["split"].eq("validate").any():
            raise StudyError(f"model {model}: cohort {row['cohort']} has no subject to validate on")
        trained = int(table["split"].isin(row["splits"].split(",")).sum())
        if "fold" in row:
            trained -= -(-trained // int(row["fold"].split(" of ")[1]))
        needed = VOLUNTEERS.get(row["subset"], 1)
        if trained < needed:
            raise StudyError(
                f"model {model}: subset {row['subset']} of cohort {row['cohort']} needs {needed} "
                f"subjects, splits {row['splits']} have {trained}"
            )
    check_ensembles(study)


def _check_images(model: str, settings: dict[str, Any]) -> None:
    """The images of a model must be known, and as many as its network takes."""
    network = settings["network"]
    if network not in KINDS:
        raise StudyError(
            f"model {model}: network {network} cannot be used by a study; there are "
            + ", ".join(KINDS)
        )
    try:
        channels = channel_count(settings)
        kind_of(settings)
        check_views(settings)
        check_coarse(settings)
    except ValueError as error:
        raise StudyError(f"model {model}: {error}") from None
    if not KINDS[network].takes(channels):
        raise StudyError(
            f"model {model}: sequence {settings['sequence']}; network {network} takes "
            f"{' or '.join(map(str, KINDS[network].channels))} images as channels, not {channels}"
            + (", with that of its coarse model" if has_coarse_channel(settings) else "")
        )


def _check_learnt(study: Study, model: str, row: dict[str, Any]) -> None:
    """A model must learn from what its task needs, on the grid of its first image."""
    cohort, labeller = row["cohort"], row["labeller"]
    check_sequences(study, f"model {model}", cohort, row["sequence"])
    gives = "points" if study.writes_points(cohort, labeller) else "label maps"
    if gives != (needed := kind_of(row).learns_from):
        raise StudyError(
            f"model {model}: its labeller {labeller} gives {gives}; task {row['task']} learns from "
            f"{needed}"
        )
    own, labelled = labelled_sequence(row["sequence"]), study.sequence_of(cohort, labeller)
    if own != labelled:
        raise StudyError(
            f"model {model}: its images are {row['sequence']}, but labels of {labeller} are for "
            f"{labelled.key}; take a labeller of {own.key}"
        )
    if row["subset"] in PHASES and not has_phases(own):
        raise StudyError(
            f"model {model}: subset {row['subset']} is end-diastole and end-systole of short-axis "
            f"cines; images {own.key} have none"
        )
    if row["loss"] not in kind_of(row).losses:
        raise StudyError(
            f"model {model}: loss {row['loss']}; task {row['task']} has "
            + ", ".join(kind_of(row).losses)
        )


def _check_tissues(model: str, settings: dict[str, Any]) -> None:
    """The images of a model must show the tissues that it segments."""
    key = settings["sequence"]
    try:
        tissues = Target.of(settings["tissues"], settings["activation"]).members
    except ValueError as error:
        raise StudyError(f"model {model}: {error}") from None
    shown = labelled_sequence(key).tissues
    if absent := [SHORT_NAMES[tissue] for tissue in tissues if tissue not in shown]:
        raise StudyError(
            f"model {model}: tissues {settings['tissues']}; images {key} show "
            f"{', '.join(SHORT_NAMES[tissue] for tissue in shown)}, and not {', '.join(absent)}"
        )
    has_volumes = key == USUAL and kind_of(settings).writes == "label map"
    if has_volumes and Tissue.LV not in tissues:
        raise StudyError(
            f"model {model}: tissues {settings['tissues']}; volumes of a short axis need lv"
        )


def _check_row(model: str, row: dict[str, Any]) -> None:
    """Settings of one model that contradict each other."""
    network, kind = row["network"], KINDS[row["network"]]
    weights = row["head_weights"].split(",") if row["head_weights"] else []
    splits = row["splits"].split(",")
    preparation = PREPARATIONS[row["preparation"]]
    needs_points = kind_of(row).learns_from == "points"
    stopping = row["schedule"] in STOPPING
    keeping = row["schedule"] in KEEPING
    single = (
        row["batch"] == 1
        and row["encoder"].startswith("resnet")
        and row["size_px"] <= kind.multiple_px
    )
    of_networks = [other.name for other in KINDS.values() if row["loss"] in other.losses]
    moves_points = row["augmentation"] in POINT_AUGMENTATIONS
    wrong = {
        f"network {network} places {'points' if kind.points else 'no points'}, and task "
        f"{row['task']} needs one that {'does' if needs_points else 'does not'}": needs_points
        != (kind.points > 0),
        f"augmentation {row['augmentation']}; {', '.join(POINT_AUGMENTATIONS)} move points, and no "
        "label maps": row["augmentation"] != "no" and moves_points != (preparation.frames > 0),
        f"loss {row['loss']} with network {network}; it has {', '.join(kind.losses)}": bool(
            kind.losses
        )
        and row["loss"] not in kind.losses,
        f"loss {row['loss']} with network {network}; it is of {', '.join(of_networks)}": bool(
            of_networks
        )
        and network not in of_networks,
        f"head_weights {row['head_weights']}; networks that place points have none": kind.points > 0
        and bool(weights),
        f"network {network} needs coarse, the model that finds the heart first": kind.frames > 1
        and not (row["coarse"] or kind.finds_heart),
        f"network {network} sees {kind.window} frames of a beat together; images "
        f"{row['sequence']} are no cines": kind.window > 1
        and not labelled_sequence(row["sequence"]).is_cine,
        f"network {network} with encoder '{row['encoder']}'; {' and '.join(ENCODED)} need an "
        "encoder, the others have none": row["encoder"] not in (kind.encoders or ("",)),
        f"network {network} with preparation {row['preparation']}; "
        f"it has {' or '.join(kind.preparations)}": row["preparation"] not in kind.preparations,
        "intensity greys is of the preparation unet": row["preparation"] != "unet"
        and row["intensity"] != "linear",
        f"size_px {row['size_px']}; network {network} needs a multiple of {kind.multiple_px}": row[
            "size_px"
        ]
        % kind.multiple_px
        != 0,
        f"splits {row['splits']}; validate shows how well a model learns, and a model that is "
        "trained on it cannot be judged by it: use train or test": "validate" in splits,
        f"tissues {row['tissues']} with activation '{row['activation']}'; network {network} tells "
        "tissues apart that exclude each other, by softmax": kind.window > 1
        and Target.of(row["tissues"], row["activation"]).sigmoid,
        f"batch 1 with size_px {row['size_px']}; the deepest maps of {row['encoder']} then have "
        "one pixel, of which a batch norm learns nothing: use batch 2 or larger images": single,
        f"head_weights {row['head_weights']}; network {network} needs {kind.heads}": len(weights)
        not in (0, kind.heads),
        f"schedule {row['schedule']} with epochs {row['epochs']}, {row['epochs_frozen']} frozen; "
        "it is one cycle of at most so many epochs, such as 200, and none frozen": keeping
        and ("+" in row["epochs"] or _epochs(row["epochs_frozen"]) > 0),
        f"least_epochs {row['least_epochs']} with schedule {row['schedule']}; only "
        f"{' and '.join(STOPPING)} end before their last epoch": row["least_epochs"] > 0
        and not stopping,
        "no epochs; give epochs or epochs_frozen": _epochs(row["epochs"]) == 0
        and _epochs(row["epochs_frozen"]) == 0,
        "epochs_frozen without lr_frozen": _epochs(row["epochs_frozen"]) > 0
        and not row["lr_frozen"],
    }
    for sentence, is_so in wrong.items():
        if is_so:
            raise StudyError(f"model {model}: {sentence}")


def _check_start(study: Study, model: str, row: dict[str, Any]) -> None:
    if row["start"] not in STARTS and not study.is_model(row["start"]):
        raise StudyError(
            f"model {model}: start '{row['start']}' is neither random nor imagenet nor a "
            f"model; there are {', '.join(study.model_names)}"
        )
    check_member_start(study, model, row)
    if row["start"] == "imagenet" and row["network"] not in ENCODED:
        raise StudyError(
            f"model {model}: network {row['network']} has no ImageNet weights to start from"
        )
    if study.is_model(row["start"]):
        other = study.model(row["start"])
        shared = (*SHARED, "size_px") if KINDS[row["network"]].points else SHARED
        for name in shared:
            if name == "network" and other[name] in KINDS[row[name]].starts_from:
                continue
            if row[name] != other[name]:
                raise StudyError(
                    f"model {model}: {name} is '{row[name]}', but its start {row['start']} has "
                    f"'{other[name]}'; weights only fit the same network"
                )
        own, given = row["sequence"], other["sequence"]
        if channel_count(row) != channel_count(other):
            raise StudyError(
                f"model {model}: sequence {own}, but its start {row['start']} has {given}; weights "
                "only fit as many channels"
            )
        if _says(row) != _says(other) and outputs_of(row) == outputs_of(other):
            raise StudyError(
                f"model {model}: tissues {row['tissues']}, but its start {row['start']} labels "
                f"{other['tissues']}: its last layer would be taken for other tissues; start from "
                "another"
            )


def _says(settings: dict[str, Any]) -> tuple[str, Target]:
    """The meaning of a network's outputs."""
    return settings["task"], Target.of(settings["tissues"])


def check_order(study: Study) -> None:
    """No model may depend on itself: as a start, as a labeller, or for confidence scores."""
    needs = {name: list(ensemble.members) for name, ensemble in study.ensembles.items()}
    for model, row in study.models.items():
        names = [row["start"], row["labeller"], row["coarse"]]
        if scored := study.scores_of(row):
            names.append(scored)
        needs[model] = [name for name in names if name in (*study.models, *study.ensembles)]
    for model in study.models:
        path = [model]
        for name in _walk(needs, model, path):
            if name == model:
                raise StudyError(
                    f"model {model} starts from or learns from itself: {' <- '.join(path)}"
                )


def _walk(needs: dict[str, list[str]], model: str, path: list[str]) -> Iterator[str]:
    for name in needs[model]:
        path.append(name)
        yield name
        if path.count(name) == 1:
            yield from _walk(needs, name, path)
        path.pop()


def _epochs(cycles: str) -> int:
    """Epochs of all cycles of a stage, written like 5+10+15."""
    return sum(int(part) for part in cycles.split("+"))


def check_cohort(study: Study, where: str, cohort: str) -> None:
    if cohort not in study.cohorts:
        raise StudyError(f"{where}: no cohort '{cohort}'; there are {', '.join(study.cohorts)}")


def check_sequences(study: Study, where: str, cohort: str, sequence: str) -> None:
    """A cohort must have the images that a model needs."""
    own = study.sequences(cohort)
    if absent := [channel.key for channel in channels_of(sequence) if channel.key not in own]:
        raise StudyError(
            f"{where}: cohort {cohort} has no images {', '.join(absent)}; its sequences are "
            + ", ".join(own)
        )


def check_labeller(study: Study, where: str, cohort: str, labeller: str) -> None:
    check_cohort(study, where, cohort)
    known = [
        *(*study.annotators(cohort), *study.propagated(cohort)),
        *study.model_names,
    ]
    if labeller not in known:
        raise StudyError(
            f"{where}: no labeller '{labeller}' for cohort {cohort}; there are " + ", ".join(known)
        )
    if study.is_model(labeller):
        where = f"{where}: model {labeller}"
        check_sequences(study, where, cohort, study.model(labeller)["sequence"])
