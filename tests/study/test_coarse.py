"""Models with a coarse model in a study: what their jobs need, and what is refused."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from small_study import given_model, small_study
from study.study import Study
from study.tables import StudyError
from study.wiring.cohorts import Cohorts
from study.wiring.models import Models

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)
Job = SimpleNamespace
SUBJECTS = "subject\tsplit\tstudy\tedv_ml\tesv_ml\n" + "".join(
    f"{n}\t{split}\t{n}\t150\t60\n"
    for n, split in enumerate(["train", "train", "train", "test", "validate"], 1)
)
ROW = {
    **{"network": "runet", "encoder": "-", "width": "4", "tissues": "lv,my", "cohort": "people"},
    **{"labeller": "truth", "subset": "all", "splits": "train", "start": "random"},
    **{"preparation": "channel_max", "intensity": "linear", "size_px": "64"},
    **{"augmentation": "no", "loss": "ce", "batch": "2", "schedule": "constant"},
    **{"lr_frozen": "0", "epochs_frozen": "0", "lr": "0.001", "epochs": "2", "seed": "1"},
    **{"coarse": "-", "coarse_channel": "no", "folds": "1", "sequence": "sa", "task": "segment"},
}
# Slices of `finder`, which were there before others had a coarse model.
PLAIN = "results/small/slices/people/truth/sa_lv-my_channel_max_linear_64"


def table(**rows):
    lines = [" ".join(["model", *ROW])]
    lines += [" ".join([name, *(ROW | row).values()]) for name, row in rows.items()]
    return "\n".join(lines) + "\n"


def edited(config):
    config.pop("confidence")
    config["evaluate"][0]["labellers"] = ["net"]


@pytest.fixture
def study(make):
    def build(edit=edited, **rows):
        rows = {"finder": {}, "net": {"coarse": "finder"}} | rows
        return make(edit, subjects=SUBJECTS, models=table(**rows))

    return build


def test_a_coarse_model_labels_what_its_model_labels_or_learns_from(study):
    assert study().labelled() == [("people", "finder"), ("people", "net"), ("people", "truth")]
    # And only where it was asked for by name, it is measured.
    assert study().measured() == [("people", "net"), ("people", "truth")]
    further = study(first={}, finder={"coarse": "first"})
    assert ("people", "first") in further.labelled()


def test_jobs_have_the_labels_of_the_coarse_model_as_input(study):
    found = study()
    models = Models(found, Cohorts(found))
    shard = Job(cohort="people", shard="0001", labeller="net")
    labels = "results/small/cohorts/people/labels/finder"
    assert models.coarse_labels(shard) == f"{labels}/0001"
    assert models.coarse_labels(Job(cohort="people", shard="0001", labeller="finder")) == []
    slices = Job(cohort="people", labeller="truth", coarse="_at_finder")
    assert models.coarse_shards(slices) == [f"{labels}/{n:04d}" for n in range(3)]
    assert models.coarse_settings(slices) == {"coarse": "finder", "coarse_channel": "no"}
    plain = Job(cohort="people", labeller="truth", coarse="")
    assert models.coarse_shards(plain) == []
    assert models.coarse_settings(plain) == {}


def test_folders_of_slices_say_the_coarse_model_only_where_there_is_one(study):
    found = study(third={"coarse": "finder", "coarse_channel": "yes"})
    models = Models(found, Cohorts(found))
    assert models.slices_of("finder") == PLAIN
    assert models.slices_of("net") == f"{PLAIN}_at_finder"
    assert models.slices_of("third") == f"{PLAIN}_with_finder"
    assert models.coarse_endings() == "(_at_finder|_with_finder)?"


def test_a_training_knows_of_the_coarse_model_only_where_there_is_one(study):
    found = study()
    assert not {"coarse", "coarse_channel"} & set(found.training("finder"))
    assert found.training("net")["coarse_channel"] == "no"
    assert found.model("net")["coarse"] == "finder"
    assert found.model("finder")["coarse"] == ""


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"coarse": "nobody"}, "model net: coarse 'nobody' is no model; there are finder, net"),
        ({"coarse": "truth"}, "model net: coarse 'truth' is no model"),
        ({"coarse": "net"}, "model net starts from or learns from itself: net <- net"),
        ({"coarse": "-", "coarse_channel": "yes"}, "model net: coarse_channel yes, but no coarse"),
        ({"preparation": "minmax"}, "model net: coarse finder with preparation minmax, which has"),
        (
            {"network": "unet_lstm", "preparation": "zscore"},
            "model net: coarse finder with preparation zscore, which has no window",
        ),
        ({"coarse_channel": "maybe"}, "coarse_channel: 'maybe' is not one of"),
        ({"start": "finder", "coarse_channel": "yes"}, "weights only fit as many channels"),
    ],
)
def test_what_cannot_be_is_refused_by_name(study, row, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(net={"coarse": "finder"} | row)


def test_a_coarse_model_that_gives_points_is_refused(study, monkeypatch):
    monkeypatch.setattr(Study, "writes_points", lambda self, cohort, name: name == "finder")
    with pytest.raises(StudyError, match="model net: coarse finder gives points, not label maps"):
        study()


def test_models_that_find_the_heart_for_each_other_are_refused(study):
    with pytest.raises(StudyError, match="learns from itself: finder <- net <- finder"):
        study(finder={"coarse": "net"})


def test_a_coarse_model_needs_the_same_first_image_and_no_other_one(study):
    def widened(config):
        edited(config)
        cohort = config["cohorts"]["people"]
        cohort.update(layout="nifti", sequences=["c0", "de"], annotators={"truth": "nifti"})
        config["figures"] = {}

    both = {"sequence": "c0,de", "coarse": "finder"}
    found = study(widened, finder={"sequence": "c0"}, net=both | {"coarse_channel": "yes"})
    assert found.slices_name("net") == "c0-de_lv-my_channel_max_linear_64_with_finder"
    net = {"sequence": "c0", "coarse": "finder"}
    for finder in ("c0,de", "de"):
        with pytest.raises(StudyError, match=f"its images are c0, but those of coarse .* {finder}"):
            study(widened, finder={"sequence": finder}, net=net)


# -- folds -------------------------------------------------------------------------------------


def test_folds_of_both_are_the_same(study):
    found = study(finder={"folds": "3"}, net={"coarse": "finder", "folds": "3"})
    assert [found.models[f"net_f{n}"]["coarse"] for n in (1, 2, 3)] == ["finder"] * 3
    # Members are evaluated where no fold has the subject: on split `validate`.
    members = [("people", f"net_f{n}") for n in (1, 2, 3)]
    ensembles = [("people", "finder"), ("people", "net")]
    assert found.labelled() == [*ensembles, *members, ("people", "truth")]
    # What was trained elsewhere, or has no folds to keep, is as free.
    assert study(finder={"folds": "3"}, net={"coarse": "finder"})


@pytest.mark.parametrize(
    ("finder", "coarse", "seen"),
    [
        ({}, "finder", "finder"),
        ({"folds": "2"}, "finder", "finder"),
        ({"folds": "3", "splits": "train,test"}, "finder", "finder"),
        ({"folds": "3"}, "finder_f1", "finder_f1"),
    ],
)
def test_a_coarse_model_that_may_have_seen_the_fold_is_refused(study, finder, coarse, seen):
    with pytest.raises(
        StudyError, match=f"model net_f1: its coarse model {coarse} comes from {seen}, which was"
    ):
        study(finder=finder, net={"coarse": coarse, "folds": "3"})


def test_so_is_one_of_another_cohort_that_starts_from_such_a_model(study):
    def two(config):
        edited(config)
        config["cohorts"]["others"] = dict(config["cohorts"]["people"])

    net, finder = {"coarse": "finder", "folds": "3"}, {"cohort": "others"}
    assert study(two, finder=finder, net=net)
    with pytest.raises(StudyError, match="its coarse model finder comes from first, which was"):
        study(two, first={}, finder=finder | {"start": "first"}, net=net)


# -- given models ------------------------------------------------------------------------------


def test_the_coarse_model_of_a_given_one_lies_beside_it(given):
    mine, finder = Path("elsewhere/mine"), Path("elsewhere/finder")
    record = json.loads((mine / "record.json").read_text())
    record["settings"] |= {"network": "runet", "encoder": "", "preparation": "channel_max"}
    (mine / "record.json").write_text(
        json.dumps({"settings": record["settings"] | {"coarse": "finder"}})
    )

    def edit(config):
        config["evaluate"][0]["labellers"].append("mine")

    with pytest.raises(StudyError, match="weights mine: it needs its coarse model finder; put th"):
        given("elsewhere/mine", edit)
    finder.mkdir()
    (finder / "weights.safetensors").touch()
    (finder / "record.json").write_text(json.dumps(record))
    study = given("elsewhere/mine", edit)
    assert study.weights("finder") == "elsewhere/finder/weights.safetensors"
    assert ("people", "finder") in study.predicted()
    assert ("people", "finder") not in study.measured()

    def other(config):
        edit(config)
        config["weights"]["finder"] = "elsewhere/mine"

    with pytest.raises(StudyError, match="is elsewhere/finder, but weights finder is elsewhere/mi"):
        given("elsewhere/mine", other)
