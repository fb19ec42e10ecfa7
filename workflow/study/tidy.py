"""Files in results/<study>/ that the study no longer names."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from cmrseg.results.kept import FACTS, KEPT
from cmrseg.splits import ROTATED
from study.ensembles import Ensemble
from study.exports import exported
from study.panels import panel_measures, tracked
from study.study import Study

# The settings of all models.
MODELS = "models.tsv"
# The first page of the report.
HEADLINES = "results.html"
# Folders and files made by the workflow; all others in the study's folder belong to the user.
JOBS = ("logs", "benchmarks")
MADE = (
    *("cohorts", "phantom", "slices", "folds", "models", MODELS, "evaluation", "figures"),
    *(HEADLINES, "origins", KEPT, *JOBS),
)
# Rules with one job in a study.
ALONE = ("compare_published", "write_headlines", "write_models", "tidy")
# Snakemake leaves it in folders that it makes.
TIME_STAMP = ".snakemake_timestamp"


def unnamed(study: Study, folder: str | Path, origins: Iterable[str] = ()) -> list[str]:
    """Paths in the study's folder that the study does not name, with forward slashes, sorted.

    A folder without any named file is one path. origins: those of a prediction.
    """
    names = {*_results(study), *(f"origins/{origin}.txt" for origin in origins)}
    names |= {*_of_jobs(study, Path(folder), origins)}
    above = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    found: list[str] = []
    for made in MADE:
        if made in above:
            _look(Path(folder), made, names, above, found)
        elif made not in names and os.path.lexists(Path(folder, made)):
            found.append(made)
    return sorted(found)


def _look(folder: Path, inside: str, names: set[str], above: set[str], found: list[str]) -> None:
    if not (folder / inside).is_dir():
        return
    for entry in os.scandir(folder / inside):
        path = f"{inside}/{entry.name}"
        if path in names or entry.name == TIME_STAMP:
            continue
        if path in above and entry.is_dir(follow_symlinks=False):
            _look(folder, path, names, above, found)
        else:
            found.append(path)


def _results(study: Study) -> Iterator[str]:
    """All files of the study, including intermediate ones; a folder includes its content."""
    if study.config["evaluate"] or study.config["figures"]:
        yield HEADLINES
    for cohort in study.cohorts:
        here = f"cohorts/{cohort}"
        for name in ("audit.tsv", "headers.tsv.gz", "known.tsv", "import/passed.txt"):
            yield f"{here}/{name}"
        for annotator in study.annotators(cohort):
            for name in ("audit.tsv", "passed.txt"):
                yield f"{here}/labels/{annotator}.{name}"
            for shard in study.shards(cohort):
                yield f"{here}/labels/{annotator}/{shard}.audit.tsv"
        for shard in study.shards(cohort):
            if cohort in study.phantoms():
                yield f"phantom/{cohort}/{shard}"
            for name in ("audit.tsv", "headers.tsv.gz"):
                yield f"{here}/import/{shard}.{name}"
            for place in (here, *(f"{here}/labels/{m}" for m in study.labellers(cohort))):
                yield from _subjects(study, cohort, shard, place, place == here)
    for cohort, labeller in exported(study):
        yield f"cohorts/{cohort}/export/{labeller}"
    for cohort, labeller in study.labelled():
        yield f"cohorts/{cohort}/volumes/{labeller}.tsv"
        yield f"cohorts/{cohort}/volumes/{labeller}.curves.tsv"
    for panel, about in study.config["panels"].items():
        here = f"cohorts/{about['cohort']}"
        yield from (f"{here}/phenotypes/{panel}.{suffix}" for suffix in ("tsv", "ukbb.csv"))
        measures = panel_measures(study, panel)
        yield from (f"{here}/phenotypes/{panel}.strain.tsv" for _ in {"tagging"} & {*measures})
        for measure in measures:
            made = f"{here}/measures/{measure}/{panel}"
            for name in (made, *(f"{made}/{shard}" for shard in study.shards(about["cohort"]))):
                yield from (f"{name}.tsv", f"{name}.details.tsv")
    for cohort, labeller in tracked(study):
        yield f"cohorts/{cohort}/export/{labeller}.result.h5"
    for cohort, labeller in study.scored():
        yield f"cohorts/{cohort}/confidence/{labeller}.tsv"
    if about := study.config.get("calibrate"):
        for cohort in (about["cohort"], *about["also"]):
            for name in ("volumes.tsv", "distributions.csv", "scores.tsv"):
                yield f"cohorts/{cohort}/calibration/{name}"
    if study.declared:
        yield MODELS
    for ensemble in study.ensembles.values():
        yield f"models/{ensemble.row['model']}"
        yield from _folds(study, ensemble)
    # Models without ImageNet weights are named, too.
    for model in (*study.models, *study.left_out):
        yield f"models/{model}"
        yield f"{KEPT}/models/{model}/weights.safetensors"
    for model, row in study.models.items():
        yield f"slices/{row['cohort']}/{row['labeller']}/{study.slices_name(model)}"
    for labeller, cohort in (*study.evaluations(), *study.volume_evaluations()):
        yield f"evaluation/{labeller}/{cohort}"
    if "published_values" in study.config:
        yield "evaluation/published.tsv"
    for figure in study.data_figures:
        yield from (f"figures/{figure}.svg", f"figures/{figure}.png")
    yield from (f"figures/{figure}.html" for figure in study.viewers)
    yield from (f"figures/{figure}" for figure in study.movies)


def _folds(study: Study, ensemble: Ensemble) -> Iterator[str]:
    """The folds of an ensemble, and the slices of each."""
    if ensemble.folds is None:
        return
    top = f"results/{study.name}/"
    yield ensemble.folds.table(study.name).removeprefix(top)
    for member, fold in ensemble.members.items():
        labeller, slices = ensemble.row["labeller"], study.slices_name(member)
        yield ensemble.folds.slices(study.name, fold, labeller, slices).removeprefix(top)


def _subjects(study: Study, cohort: str, shard: str, place: str, images: bool) -> Iterator[str]:
    """Images or label maps of a shard's subjects, and the kept copies of the latter."""
    folder = f"{place}/images/{shard}" if images else f"{place}/{shard}"
    kept = f"{KEPT}/{folder}"
    yield from () if images else (f"{kept}/{FACTS}",)
    for row in study.rows(cohort, shard):
        for name in (row["subject"], row["subject"] + ROTATED):
            yield f"{folder}/{name}"
            yield from () if images else (f"{kept}/0/{name}",)


def _of_jobs(study: Study, folder: Path, origins: Iterable[str]) -> Iterator[str]:
    """Logs and benchmarks: those of a job are named by its wildcards, in a folder of the rule."""
    jobs = {*study.cohorts, *study.models, *study.ensembles, *study.config["figures"], *origins}
    for cohort in study.cohorts:
        jobs |= {f"{cohort}/{shard}" for shard in study.shards(cohort)}
    for cohort, labeller in study.labelled():
        jobs |= {f"{cohort}/{labeller}"}
        jobs |= {f"{cohort}/{labeller}/{shard}" for shard in study.shards(cohort)}
    for panel, about in study.config["panels"].items():
        jobs |= {f"{about['cohort']}/{panel}"}
        for measure in panel_measures(study, panel):
            made = f"{about['cohort']}/{measure}/{panel}"
            jobs |= {made, *(f"{made}/{shard}" for shard in study.shards(about["cohort"]))}
    for model, row in study.models.items():
        jobs |= {f"{row['cohort']}/{row['labeller']}/{study.slices_name(model)}"}
    for ensemble in study.ensembles.values():
        found = _folds(study, ensemble)
        jobs |= {path.removeprefix("folds/").removesuffix(".tsv") for path in found}
    for kind, suffix in zip(JOBS, ("log", "tsv"), strict=True):
        yield from (f"{kind}/{rule}.{suffix}" for rule in ALONE)
        rules = [entry.name for entry in (folder / kind).glob("*") if entry.is_dir()]
        yield from (f"{kind}/{rule}/{job}.{suffix}" for rule in rules for job in jobs)
