"""What rules ask for inputs and params: paths, rows and settings, with wildcards as Snakemake's."""

import inspect
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from small_study import small_study
from study.tables import StudyError
from study.wiring.checks import Checks
from study.wiring.cohorts import Cohorts
from study.wiring.figures import KINDS, Figures
from study.wiring.headlines import Headlines
from study.wiring.measures import Measures
from study.wiring.models import Models
from study.wiring.panels import Panels
from study.wiring.raw import Raw
from study.wiring.results import Results
from study.wiring.sources import Sources
from study.wiring.wildcards import Wildcards, one_of
from tiny_study import ROOT, SCAN

make = pytest.fixture(small_study)
CLASSES = (Checks, Cohorts, Figures, Headlines, Measures, Models, Panels, Raw, Results, Sources)
HERE = "results/small/cohorts/people"


def wildcards(**values):
    return SimpleNamespace(**values)


def ancient(path):
    return bool(getattr(path, "flags", {}).get("ancient"))


def raw_of(study, *sources):
    return Raw(study, Cohorts(study), sources)


def figures_of(study):
    return Figures(study, Cohorts(study), raw_of(study))


# -- what Snakemake looks at -----------------------------------------------------------------


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_arguments_have_the_names_that_snakemake_looks_at(kind):
    asked = [
        list(inspect.signature(method).parameters)[1:]
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if "Wildcards" in str(inspect.signature(method)) and not name.startswith("_")
    ]
    assert asked
    assert all(names in (["wildcards"], ["wildcards", "input"]) for names in asked)


def test_the_wildcards_are_those_of_the_rules():
    text = "".join(path.read_text("utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert not [name for name in Wildcards.__annotations__ if f"{{{name}}}" not in text]


def test_a_wildcard_of_no_names_matches_nothing():
    assert one_of({"a": 1, "b": 2}) == "a|b"
    assert one_of([]) == "(?!)"


# -- cohorts ---------------------------------------------------------------------------------


def test_paths_are_over_all_shards_in_their_order(make):
    cohorts, truth = Cohorts(make()), wildcards(cohort="people", labeller="base")
    assert cohorts.image_shards(truth) == [f"{HERE}/images/0000", f"{HERE}/images/0001"]
    assert cohorts.reference_shards(truth) == [f"{HERE}/labels/truth/000{i}" for i in (0, 1)]
    assert cohorts.confidence_tables() == [f"{HERE}/confidence/fcn.tsv"]


def test_an_evaluation_without_reference_is_refused(make):
    cohorts = Cohorts(make(lambda config: config["evaluate"][0].pop("reference")))
    with pytest.raises(StudyError, match="cohort people: no reference for labels of sa;"):
        cohorts.reference_name(wildcards(cohort="people", labeller="base"))


# -- checks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "limit", "allowed"), [(1, 0.25, True), (2, 0.25, False), (0, 0, True), (1, 0, False)]
)
def test_losses_that_passed_are_held_against_the_limit_of_now(make, lost, limit, allowed):
    study = make(lambda config: config.update(max_failed_fraction=limit))
    checks, people = Checks(study, Cohorts(study), os.path.exists), wildcards(cohort="people")
    assert checks.subjects_within(people), "a check that has not been made"
    passed = Path(*checks.passed(["people", "people"]))
    passed.parent.mkdir(parents=True)
    passed.write_text(f"cohort people: {lost} of 4 subjects lost\n")
    assert checks.subjects_within(people) == allowed
    assert checks.losses_allowed(people, input=None) == limit


def test_labels_of_annotators_alone_are_checked(make):
    study = make()
    checks = Checks(study, Cohorts(study), os.path.exists)
    subjects, labels = f"{HERE}/import/passed.txt", f"{HERE}/labels/truth.passed.txt"
    assert checks.labeller_passed(wildcards(cohort="people", labeller="fcn")) == [subjects]
    evaluated = checks.evaluation_passed(wildcards(cohort="people", labeller="base"))
    assert evaluated == [subjects, labels]
    assert checks.model_passed(wildcards(model="next")) == [subjects, labels]


# -- raw files -------------------------------------------------------------------------------


def test_raw_files_that_people_edit_are_watched_by_their_state(make):
    raw = raw_of(make())
    shard = wildcards(cohort="people", shard="0000", labeller="truth")
    assert raw.folder(shard) == "raw"
    assert raw.folders("people") == raw.annotations(shard) == ["raw"]
    watched = [raw.folder(shard), raw.annotation(shard), *raw.folders("people")]
    assert all(ancient(path) for path in [*watched, *raw.annotations(shard)])
    assert raw.state(shard) == raw.annotation_state(shard) == {"1": "", "2": ""}
    image = Path("raw/train/train/1/study/sax_1/IM-1-0001.dcm")
    image.parent.mkdir(parents=True)
    image.write_text("grey")
    assert raw.state(shard)["1"] != raw.state(shard)["2"] == ""


def test_raw_files_that_are_fetched_are_known_by_their_time(make):
    raw = raw_of(make(lambda c: c["cohorts"]["people"].update(raw="resources/raw/heart")), "heart")
    Path("resources/raw/heart").mkdir(parents=True)
    shard = wildcards(cohort="people", shard="0000", labeller="truth")
    assert raw.folder(shard) == "resources/raw/heart"
    assert not ancient(raw.folder(shard))
    assert raw.state(shard) == raw.annotation_state(shard) == {}


def test_labels_may_lie_elsewhere_than_images(make):
    truth = {"form": "masks", "raw": "masks", "folder": "ours"}
    raw = raw_of(make(lambda c: c["cohorts"]["people"]["annotators"].update(truth=truth)))
    shard = wildcards(cohort="people", shard="0000", labeller="truth")
    assert raw.annotations(shard) == ["masks"]
    assert ancient(raw.annotation(shard))
    mask = Path("masks/ours/train/train/2/study/sax_1/IM-1-0001.png")
    mask.parent.mkdir(parents=True)
    mask.write_text("mask")
    assert raw.annotation_state(shard)["2"] != raw.annotation_state(shard)["1"] == ""
    assert raw.state(shard) == {"1": "", "2": ""}


def test_contours_that_choose_among_series_are_watched_as_they_are_as_labels(make):
    def contoured(config):
        people = config["cohorts"]["people"]
        people.update(layout="ukbb_dicom", cleaning={"contoured_by": "truth"})
        people["annotators"] = {"truth": {"form": "cvi42", "raw": "elsewhere", "folder": "drawn"}}

    study = make(contoured)
    raw, asked = raw_of(study), wildcards(cohort="people", shard="0000", labeller="truth")
    assert [str(path) for path in raw.contours(asked)] == ["elsewhere"]
    assert raw.contour_folder(asked) == "drawn"
    assert raw.contour_state(asked) == raw.annotation_state(asked) != {}
    assert all("annotation" in row for row in study.import_rows("people"))
    usual = make()
    assert raw_of(usual).contours(asked) == []
    assert raw_of(usual).contour_folder(asked) == ""
    assert raw_of(usual).contour_state(asked) == {}
    assert not any("annotation" in row for row in usual.import_rows("people"))


def test_raw_files_of_a_digital_heart_are_a_folder_for_each_shard(make):
    def edit(config):
        del config["cohorts"]["people"]["raw"]
        config["cohorts"]["people"] |= {"layout": "ukbb", "phantom": SCAN}
        config["cohorts"]["people"]["annotators"] = {"truth": "nifti"}

    raw, labelled = raw_of(make(edit)), wildcards(cohort="people", labeller="truth")
    shards = [f"results/small/phantom/people/000{i}" for i in (0, 1)]
    assert raw.folders("people") == raw.annotations(labelled) == shards
    assert raw.annotation(labelled) == "results/{study}/phantom/{cohort}/{shard}"
    assert not any(ancient(path) for path in raw.folders("people"))
    assert raw.annotation_state(labelled) == {}


# -- sources ---------------------------------------------------------------------------------


def test_what_is_there_is_not_made_anew(make):
    there = set()
    sources = Sources(make(), lambda path: path in there)
    name, entry = next(iter(sources.catalogue.items()))
    assert sources.to_fetch() == list(sources.entries)
    assert sources.to_convert() == list(sources.catalogue)
    there.add(f"resources/models/{name}/weights.safetensors")
    assert name not in sources.to_convert()
    there.add(f"resources/raw/{entry['source']}")
    assert name in sources.to_convert()
    assert entry["source"] not in sources.to_fetch()


# -- figures ---------------------------------------------------------------------------------


def test_every_kind_of_figure_that_a_study_may_name_is_known():
    schema = yaml.safe_load((ROOT / "workflow/schemas/study.schema.yaml").read_text("utf-8"))
    entry = schema["properties"]["figures"]["additionalProperties"]["properties"]["figure"]
    assert sorted(entry["enum"]) == sorted(KINDS)


def drawn(make, kind, labellers=("fcn", "base")):
    def edit(config):
        config["evaluate"][0]["labellers"] = list(labellers)
        config["figures"] = {"my_picture": {"figure": kind, "cohort": "people"}}

    return figures_of(make(edit)), wildcards(figure="my_picture")


def test_a_figure_of_volumes_prefers_known_ones(make):
    figures, picture = drawn(make, "ef_error")
    top = "results/small/evaluation"
    known = [f"{top}/{name}/people/known_volumes.tsv" for name in ("fcn", "base")]
    assert figures.inputs(picture) == {"subjects": known}
    # Both learnt from subjects of this cohort.
    assert figures.settings(picture) == {
        **{"labellers": ["fcn", "base"], "seen": {"fcn": ["train"], "base": ["train"]}},
        **{"splits": [], "ventricle": "lv"},
    }
    assert figures.category(picture) == "2 Volumes"
    assert figures.labels(picture) == {"figure": "my picture", "cohort": "people"}
    assert figures.code(picture)[0].startswith("figures/ef_error.py@")


def test_a_figure_of_right_ventricles_compares_with_the_reference(make):
    def edit(config):
        right = {"figure": "volume_agreement", "cohort": "people", "ventricle": "rv"}
        config["figures"] = {"right": right}

    figures, picture = figures_of(make(edit)), wildcards(figure="right")
    (table,) = figures.inputs(picture)["subjects"]
    assert table.endswith("people/subjects.tsv")
    assert figures.settings(picture)["ventricle"] == "rv"


def test_pictures_show_the_best_model_or_all_beside_the_reference(make):
    def of(name):
        return [f"{HERE}/labels/{name}/000{i}" for i in (0, 1)]

    figures, picture = drawn(make, "overlays")
    inputs = figures.inputs(picture)
    assert list(inputs) == ["images", "labels", "evaluation", "subjects"]
    assert inputs["labels"] == of("truth") + of("fcn") + of("base")
    top = "results/small/evaluation"
    for key, name in (("evaluation", "images"), ("subjects", "subjects")):
        assert inputs[key] == [f"{top}/{model}/people/{name}.tsv" for model in ("fcn", "base")]
    shown = {"labellers": ["fcn", "base"], "reference": "truth", "seen": ["train"]}
    shown |= {"sequence": "sa", "image": ""}
    assert list(figures.settings(picture).items()) == list(shown.items())
    figures, picture = drawn(make, "viewer")
    assert figures.inputs(picture)["labels"] == of("truth") + of("fcn") + of("base")
    assert figures.settings(picture)["labellers"] == ["truth", "fcn", "base"]


def test_a_figure_of_strategies_knows_of_its_models_what_it_groups_them_by(make):
    figures, picture = drawn(make, "strategies")
    settings = figures.settings(picture)
    assert list(settings) == ["labellers", "observers", "cohort", "models", "members", "learnt"]
    assert figures.inputs(picture)["members"] == []
    assert settings["observers"] == []
    assert settings["models"]["base"] == {
        **{"start": "random", "subset": "c10"},
        **{"cohort": "people", "network": "unet"},
    }


def test_a_figure_of_observers_measures_people_and_the_reference(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["second"] = "masks"
        config["evaluate"][0]["labellers"] = ["second", "base"]
        config["figures"] = {"seen": {"figure": "observers", "cohort": "people"}}

    figures, picture = figures_of(make(edit)), wildcards(figure="seen")
    inputs = figures.inputs(picture)
    assert inputs["measures"] == [f"{HERE}/volumes/{name}.tsv" for name in ("truth", "second")]
    assert inputs["reference"] == f"{HERE}/volumes/truth.curves.tsv"
    assert figures.settings(picture)["observers"] == ["second"]


@pytest.mark.parametrize(
    ("kind", "own", "inputs"),
    [
        ("bulls_eye", {"columns": ["wt", "ecc"]}, {"phenotypes": "phenotypes/{}.tsv"}),
        ("measure_agreement", {"columns": ["edv_ml"]}, {"phenotypes": "phenotypes/{}.tsv"}),
        (
            "measure_curves",
            {"measure": "strain"},
            {"measured": "measures/strain/{}.tsv", "details": "measures/strain/{}.details.tsv"},
        ),
    ],
)
def test_a_figure_of_panels_reads_a_table_of_each(make, kind, own, inputs):
    def edit(config):
        panels = {"nets": ["fcn"], "experts": ["truth"]}
        config["panels"] = {n: {"cohort": "people", "labellers": who} for n, who in panels.items()}
        entry = {"figure": kind, "cohort": "people", "panels": ["experts", "nets"], **own}
        config["figures"] = {"seen": entry}

    figures, picture = figures_of(make(edit)), wildcards(figure="seen")
    assert figures.inputs(picture) == {
        name: [f"{HERE}/{path.format(panel)}" for panel in ("experts", "nets")]
        for name, path in inputs.items()
    }
    assert figures.settings(picture) == {"panels": ["experts", "nets"], **own, "splits": []}
    assert figures.category(picture) == "8 Phenotypes"
    assert figures.code(picture)[0].startswith(f"figures/{kind}.py@")


def test_every_kind_of_figure_has_a_caption():
    text = (ROOT / "workflow/report/figure.rst").read_text("utf-8")
    assert sorted([*re.findall(r'^  "(\w+)":', text, re.M), "viewer", "tagging_movie"]) == sorted(
        KINDS
    )


def test_a_figure_of_cleaning_reads_raw_files_by_their_state(make):
    figures, picture = drawn(make, "cleaning")
    inputs = figures.inputs(picture)
    assert list(inputs) == ["raw", "images", "audit"]
    assert [ancient(path) for path in inputs["raw"]] == [True]
    assert list(figures.settings(picture)) == ["layout", "subjects_per_job", "mode", "rows"]


# -- first page of the report ----------------------------------------------------------------


def test_the_first_page_reads_all_evaluations_and_one_figure_of_each_kind(make):
    def edit(config):
        config["evaluate"][0]["labellers"] = ["fcn", "base"]
        kinds = {"curves": "learning_curves", "b": "overlays", "a": "overlays", "c": "cleaning"}
        config["figures"] = {k: {"figure": kind, "cohort": "people"} for k, kind in kinds.items()}

    page, nothing = Headlines(make(edit)), wildcards()
    tables = ("summary", "known_volumes_summary")
    assert page.summaries(nothing) == [
        f"results/small/evaluation/{name}/people/{table}.tsv"
        for name in ("fcn", "base")
        for table in tables
    ]
    assert page.evaluated(nothing) == [("fcn", "people", 2), ("base", "people", 2)]
    assert page.pictures(nothing) == [
        f"results/small/figures/{name}.png" for name in ("b", "curves")
    ]
    assert page.picture_names(nothing) == ["B", "Curves"]
    facts = page.facts(nothing)
    assert facts["Images"] == ["people: 3 subjects (2 train, 1 validate), layout kaggle."]
    assert facts["Models"][1] == (
        "base: unet, trained on people (train, subset c10) with labels of fcn, from random weights."
    )
    assert page.page() == ["results/small/results.html"]
