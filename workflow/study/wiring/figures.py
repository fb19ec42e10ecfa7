"""Kinds of figures: the tables and images that each is drawn from, and the settings of its script.

A kind has two functions: its inputs by name, of which its script reads all and nothing else; and
its settings, which are compared as written: a change of them draws it anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cmrseg.sequences import USUAL
from study.calibration import calibrated_pairs
from study.code import code_of
from study.ensembles import OUT_OF_FOLD
from study.quality import judged_labeller, unseen_splits
from study.seen import seen_splits
from study.study import Study
from study.wiring.cohorts import IMAGES, LABELS, Cohorts
from study.wiring.drawn import Drawn
from study.wiring.raw import Raw
from study.wiring.wildcards import Wildcards

# Read beside the inputs; the page changes with their content, wherever the repository lies.
VIEWER_FILES = [
    "workflow/report/viewer.html",
    "workflow/report/vendor/niivue-0.69.0.umd.js.gz",
]

# The ventricle whose volumes are compared.
LEFT = "lv"

Inputs = dict[str, str | list[str]]
Settings = dict[str, Any]

# -- inputs ----------------------------------------------------------------------------------


def _cleaning_inputs(figure: Drawn) -> Inputs:
    raws = figure.raw.folders(figure.cohort)
    return {"raw": raws, "images": figure.images, "audit": f"{figure.here}/audit.tsv"}


def _learning_curves_inputs(figure: Drawn) -> Inputs:
    top = f"results/{figure.study.name}/models"
    return {"histories": [f"{top}/{model}/history.tsv" for model in figure.labellers]}


def _prediction_inputs(figure: Drawn) -> Inputs:
    shown = figure.study.pictured(figure.name)[-1]
    found: Inputs = {
        "images": figure.images,
        "labels": figure.labels(shown),
        "curves": figure.curves(shown),
        "volumes": figure.volumes(shown),
    }
    if (figure.cohort, shown) in calibrated_pairs(figure.study):
        found["intervals"] = f"{figure.here}/intervals/{shown}.tsv"
    return found


def _volume_inputs(figure: Drawn) -> Inputs:
    # Known volumes are closer to the truth than those of a reference's contours; they are the left
    # ventricle's.
    known = figure.study.known_volumes(figure.cohort) and _ventricle(figure) == LEFT
    table = "known_volumes" if known else "subjects"
    return {"subjects": [figure.evaluated(name, table) for name in figure.labellers]}


def _by_level_inputs(figure: Drawn) -> Inputs:
    return {"images": [figure.evaluated(name, "images") for name in figure.labellers]}


def _volume_curves_inputs(figure: Drawn) -> Inputs:
    return {
        "curves": [figure.curves(name) for name in figure.labellers],
        "volumes": [figure.volumes(name) for name in figure.labellers],
        "reference_curves": figure.curves(figure.reference),
        "reference_volumes": figure.volumes(figure.reference),
    }


def _confidence_inputs(figure: Drawn) -> Inputs:
    labeller = figure.study.config["confidence"]["labeller"]
    table = figure.cohorts.confidence_tables()[0]
    return {"confidence": table, "subjects": figure.evaluated(labeller)}


def _strategies_inputs(figure: Drawn) -> Inputs:
    ensembles = [figure.study.ensembles[name] for name in figure.ensembles]
    return {
        "subjects": [figure.evaluated(name) for name in figure.labellers],
        "members": [figure.evaluated(member) for e in ensembles for member in e.members],
    }


def _observers_inputs(figure: Drawn) -> Inputs:
    reference = figure.reference
    return {
        "subjects": [figure.evaluated(name) for name in figure.labellers],
        "curves": [figure.curves(name) for name in figure.labellers],
        "reference": figure.curves(reference),
        "measures": [figure.volumes(name) for name in (reference, *figure.observers)],
    }


def _overlays_inputs(figure: Drawn) -> Inputs:
    """Of all labellers among which the best is shown: labels, and evaluations by subject."""
    found = _compared(figure, figure.shown)
    images = [figure.evaluated(name, "images") for name in figure.shown]
    return {**found, "evaluation": images, "subjects": [figure.evaluated(n) for n in figure.shown]}


def _viewer_inputs(figure: Drawn) -> Inputs:
    return _compared(figure, figure.labellers)


def _compared(figure: Drawn, shown: list[str]) -> Inputs:
    """Images with the label maps of the reference and of some labellers."""
    labellers = (figure.reference, *shown)
    return {
        "images": figure.images,
        "labels": [path for labeller in labellers for path in figure.labels(labeller)],
        "evaluation": figure.evaluated(figure.labellers[-1], "images"),
    }


def _movie_inputs(figure: Drawn) -> Inputs:
    """Images and landmarks of the shards of the subjects that are shown."""
    study, cohort = figure.study, figure.cohort
    wanted = set(figure.entry.get("subjects", []))
    shards = study.shards(cohort)
    if wanted:
        shards = [s for s in shards if wanted & {row["subject"] for row in study.rows(cohort, s)}]
    names = {"study": study.name, "cohort": cohort}
    labeller = figure.entry["labellers"][0]
    return {
        "images": [IMAGES.format(shard=shard, **names) for shard in shards],
        "labels": [LABELS.format(shard=shard, labeller=labeller, **names) for shard in shards],
    }


def _quality_inputs(figure: Drawn) -> Inputs:
    here = f"{figure.here}/quality/{judged_labeller(figure.study, figure.name)}"
    return {"subjects": f"{here}.tsv", "slices": f"{here}.slices.tsv"}


def _phenotypes_inputs(figure: Drawn) -> Inputs:
    return {"phenotypes": [f"{figure.here}/phenotypes/{panel}.tsv" for panel in figure.panels]}


def _measure_curves_inputs(figure: Drawn) -> Inputs:
    return _measured(figure, figure.entry["measure"])


def _tagging_inputs(figure: Drawn) -> Inputs:
    return _measured(figure, "tagging")


def _measured(figure: Drawn, measure: str) -> Inputs:
    """The tables of a measure of panels, and their details."""
    top = f"{figure.here}/measures/{measure}"
    return {
        "measured": [f"{top}/{panel}.tsv" for panel in figure.panels],
        "details": [f"{top}/{panel}.details.tsv" for panel in figure.panels],
    }


def _repairs_inputs(figure: Drawn) -> Inputs:
    return {"repairs": f"results/{figure.study.name}/evaluation/repairs.tsv"}


def _repeatability_inputs(figure: Drawn) -> Inputs:
    return {"pairs": f"{figure.here}/repeatability/pairs.tsv"}


def _spread_inputs(figure: Drawn) -> Inputs:
    members = {name: figure.study.ensembles[name].members for name in figure.ensembles}
    table = "subjects" if figure.refers else "known_volumes"
    return {
        "ensembles": [figure.evaluated(name, table) for name in members],
        "members": [figure.evaluated(m, table) for own in members.values() for m in own],
    }


# -- settings --------------------------------------------------------------------------------


def _no_settings(figure: Drawn) -> Settings:
    return {}


def _cleaning_settings(figure: Drawn) -> Settings:
    about = figure.study.cohorts[figure.cohort]
    kept = {key: about[key] for key in ("layout", "subjects_per_job")}
    rows = figure.study.import_rows(figure.cohort)
    return {**kept, "mode": about["cleaning"]["mode"], "rows": rows}


def _volume_settings(figure: Drawn) -> Settings:
    splits = figure.entry.get("splits", [])
    return {**_seen_settings(figure), "splits": splits, "ventricle": _ventricle(figure)}


def _seen_settings(figure: Drawn) -> Settings:
    """With the splits from which each labeller learnt, whose subjects are drawn apart."""
    seen = {who: seen_splits(figure.study, figure.cohort, who) for who in figure.labellers}
    learnt = {who: sorted(splits) for who, splits in seen.items() if splits}
    return {"labellers": figure.labellers, "seen": learnt}


def _ventricle(figure: Drawn) -> str:
    ventricle: str = figure.entry.get("ventricle", LEFT)
    return ventricle


def _volume_curves_settings(figure: Drawn) -> Settings:
    return {"labellers": figure.labellers}


def _strategies_settings(figure: Drawn) -> Settings:
    """With start, subset, cohort and network of the models, and the members of the ensembles."""
    keys = ("start", "subset", "cohort", "network")
    known = {**figure.study.declared, **figure.study.models}
    rows = {name: known[name] for name in figure.labellers if name in known}
    models = {name: {key: row[key] for key in keys} for name, row in rows.items()}
    shown = {"labellers": figure.labellers, "observers": figure.observers}
    return {**shown, "cohort": figure.cohort, "models": models, **_spread_settings(figure)}


def _observers_settings(figure: Drawn) -> Settings:
    people = figure.observers
    return {"labellers": figure.labellers, "reference": figure.reference, "observers": people}


def _prediction_settings(figure: Drawn) -> Settings:
    """The images of the labeller, where these are others than the short axis."""
    shown, study = figure.study.pictured(figure.name)[-1], figure.study
    wanted = study.model(shown)["sequence"] if study.is_model(shown) else figure.sequence
    return {} if wanted == USUAL else {"sequence": wanted}


def _overlays_settings(figure: Drawn) -> Settings:
    seen = {s for who in figure.shown for s in seen_splits(figure.study, figure.cohort, who)}
    shown = {"labellers": figure.shown, "reference": figure.reference, "seen": sorted(seen)}
    return {**shown, "sequence": figure.sequence, "image": figure.entry.get("image", "")}


def _viewer_settings(figure: Drawn) -> Settings:
    shown = [figure.reference, *figure.labellers]
    return {"cohort": figure.cohort, "labellers": shown, "sequence": figure.sequence}


def _movie_settings(figure: Drawn) -> Settings:
    return {"subjects": figure.entry.get("subjects", [])}


def _labellers_settings(figure: Drawn) -> Settings:
    """The labellers of a section of the study, in its order."""
    if figure.entry["figure"] == "repairs":
        return {"labellers": figure.study.config["repairs"]["labellers"]}
    entries = figure.study.config["repeatability"]
    return {"labellers": next(e["labellers"] for e in entries if e["cohort"] == figure.cohort)}


def _spread_settings(figure: Drawn) -> Settings:
    """Members of each ensemble, and splits of the cohort that they were trained on."""
    ensembles = {name: figure.study.ensembles[name] for name in figure.ensembles}
    learnt = {
        name: [*e.row["splits"].split(","), OUT_OF_FOLD] if e.row["cohort"] == figure.cohort else []
        for name, e in ensembles.items()
    }
    return {"members": {n: list(e.members) for n, e in ensembles.items()}, "learnt": learnt}


def _quality_settings(figure: Drawn) -> Settings:
    """Only subjects on which the labeller is as good as on new ones are drawn."""
    labeller = judged_labeller(figure.study, figure.name)
    return {
        "threshold": figure.study.config["quality"]["needs_look_below"],
        "splits": unseen_splits(figure.study, figure.cohort, labeller),
    }


def _panels_settings(figure: Drawn) -> Settings:
    """With `columns` or `measure`, as the kind has it."""
    own: Settings = {k: figure.entry[k] for k in ("measure", "columns") if k in figure.entry}
    return {"panels": figure.panels, **own, "splits": figure.entry.get("splits", [])}


# -- kinds -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A kind of figure. category: of the report."""

    category: str
    inputs: Callable[[Drawn], Inputs]
    settings: Callable[[Drawn], Settings] = _no_settings


KINDS = {
    "repairs": Kind("1 Import", _repairs_inputs, _labellers_settings),
    "quality": Kind("0 Worth a look", _quality_inputs, _quality_settings),
    "cleaning": Kind("1 Import", _cleaning_inputs, _cleaning_settings),
    "volume_agreement": Kind("2 Volumes", _volume_inputs, _volume_settings),
    "ef_error": Kind("2 Volumes", _volume_inputs, _volume_settings),
    "agreement_by_level": Kind("6 Evaluation", _by_level_inputs, _seen_settings),
    "volume_curves": Kind("2 Volumes", _volume_curves_inputs, _volume_curves_settings),
    "confidence": Kind("3 Confidence", _confidence_inputs),
    "learning_curves": Kind("4 Training", _learning_curves_inputs),
    "strategies": Kind("5 Transfer", _strategies_inputs, _strategies_settings),
    "observers": Kind("6 Evaluation", _observers_inputs, _observers_settings),
    "repeatability": Kind("6 Evaluation", _repeatability_inputs, _labellers_settings),
    "spread": Kind("6 Evaluation", _spread_inputs, _spread_settings),
    "overlays": Kind("7 Images", _overlays_inputs, _overlays_settings),
    "prediction": Kind("7 Images", _prediction_inputs, _prediction_settings),
    "viewer": Kind("7 Images", _viewer_inputs, _viewer_settings),
    "tagging_movie": Kind("7 Images", _movie_inputs, _movie_settings),
    "bulls_eye": Kind("8 Phenotypes", _phenotypes_inputs, _panels_settings),
    "measure_curves": Kind("8 Phenotypes", _measure_curves_inputs, _panels_settings),
    "measure_agreement": Kind("8 Phenotypes", _phenotypes_inputs, _panels_settings),
    "strain_curves": Kind("8 Phenotypes", _tagging_inputs, _panels_settings),
    "strain_conventions": Kind("8 Phenotypes", _tagging_inputs, _panels_settings),
}


class Figures:
    """Figures of a study, by their name as the wildcard `figure`."""

    def __init__(self, study: Study, cohorts: Cohorts, raw: Raw):
        self.study, self.cohorts, self.raw = study, cohorts, raw

    def kind(self, wildcards: Wildcards) -> str:
        kind: str = self._drawn(wildcards).entry["figure"]
        return kind

    def category(self, wildcards: Wildcards) -> str:
        return KINDS[self.kind(wildcards)].category

    def labels(self, wildcards: Wildcards) -> dict[str, str]:
        """What the report says about the figure."""
        name = wildcards.figure.replace("_", " ")
        return {"figure": name, "cohort": self._drawn(wildcards).cohort}

    def code(self, wildcards: Wildcards) -> list[str]:
        return code_of(f"figures/{self.kind(wildcards)}.py")

    def inputs(self, wildcards: Wildcards) -> Inputs:
        return KINDS[self.kind(wildcards)].inputs(self._drawn(wildcards))

    def settings(self, wildcards: Wildcards) -> Settings:
        return KINDS[self.kind(wildcards)].settings(self._drawn(wildcards))

    def _drawn(self, wildcards: Wildcards) -> Drawn:
        return Drawn(wildcards.figure, self.study, self.cohorts, self.raw)
