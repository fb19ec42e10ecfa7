"""Scans of digital patients, and the sections `repairs` and `repeatability`: what is refused."""

from types import SimpleNamespace

import pytest

from small_study import MODELS, small_study
from study.load import load_study
from study.spreads import members_evaluated, spreads
from study.tables import StudyError
from study.tidy import unnamed
from study.wiring.checks import Checks
from study.wiring.cohorts import Cohorts
from study.wiring.ensembles import Ensembles
from study.wiring.figures import Figures
from study.wiring.raw import Raw
from study.wiring.robustness import Robustness

make = pytest.fixture(small_study)
Job = SimpleNamespace
PHANTOM = {"scanner": "1.5T", "frames": 4, "rows": 64, "columns": 48, "spacing_mm": 4.0}
PHANTOM |= {"slice_distance_mm": 10.0, "thickness_mm": 8.0}
PERSON = {"split": "test", "edv_ml": 150.0, "esv_ml": 60.0, "disease": "healthy", "sex": "F"}
PERSON |= {"age_y": 50, "heart_rate_bpm": 70, "seed": 1, "patient": "p", "scan": 1}


def people(*rows):
    return [PERSON | {"subject": str(n)} | row for n, row in enumerate(rows, 1)]


def config(rows, **keys):
    cohort = {"subjects": rows, "layout": "kaggle", "phantom": PHANTOM}
    cohort["annotators"] = {"truth": "masks"}
    plain = {"mode": "unrepaired"}
    cohorts = {"first": cohort, "second": cohort | {"cleaning": plain}}
    return {"study": "robust", "cohorts": cohorts, **keys}


REPAIRS = {"repairs": {"cohort": "first", "without": "second", "labellers": ["truth"]}}
PANELS = {
    name: {"cohort": cohort, "labellers": ["truth"], "measures": ["strain"]}
    for name, cohort in (("on", "first"), ("off", "second"))
}
STRAINED = {"repairs": REPAIRS["repairs"] | {"panels": ["on", "off"]}, "panels": PANELS}
FAULTY = people({}, {"faults": "missing_slice:2"})
AGAIN = {"repeatability": [{"cohort": "first", "labellers": ["truth"]}]}


def robustness(study):
    cohorts = Cohorts(study)
    return Robustness(study, Checks(study, cohorts, lambda path: False))


def test_repairs_read_volumes_of_both_cohorts():
    wiring = robustness(load_study(config(FAULTY, **REPAIRS)))
    inputs = wiring.repairs_inputs(Job())
    assert inputs["on"] == ["results/robust/cohorts/first/volumes/truth.tsv"]
    assert inputs["off"] == ["results/robust/cohorts/second/volumes/truth.tsv"]
    rows = wiring.repairs_rows(Job())
    found = [(r["patient"], r["fault"], r["severity"], r["unit"]) for r in rows]
    assert found == [("p", "", None, ""), ("p", "missing_slice", 2, "slices")]


def test_strain_of_two_panels_is_compared_where_the_section_names_them():
    wiring = robustness(load_study(config(FAULTY, **STRAINED)))
    inputs = wiring.repairs_inputs(Job())
    assert inputs["strain_on"] == "results/robust/cohorts/first/measures/strain/on.tsv"
    assert inputs["strain_off"] == "results/robust/cohorts/second/measures/strain/off.tsv"
    assert wiring.strain_labeller(Job()) == "truth"
    assert robustness(load_study(config(FAULTY, **REPAIRS))).strain_labeller(Job()) == ""


def test_panels_of_other_cohorts_or_measures_are_refused():
    def named(*names):
        return STRAINED | {"repairs": STRAINED["repairs"] | {"panels": [*names]}}

    def thickness(config):
        config["panels"] |= {"off": PANELS["off"] | {"measures": ["wall_thickness"]}}

    refused("panel none is unknown; there are: on, off", FAULTY, **named("on", "none"))
    refused("panel off is of cohort second, expected first", FAULTY, **named("off", "on"))
    refused("panel off does not measure strain", FAULTY, thickness, **STRAINED)


def test_scans_are_in_order_and_say_what_changed():
    rows = people({"scan": 2, "changed": "noise,position"}, {"scan": 3}, {"scan": 1})
    wiring = robustness(load_study(config(rows, **AGAIN)))
    found = [(r["subject"], r["changed"]) for r in wiring.scans(Job(cohort="first"))]
    assert found == [("3", "nothing"), ("1", "noise,position"), ("2", "nothing")]
    inputs = wiring.repeatability_inputs(Job(cohort="first"))
    assert inputs["known"] == "results/robust/cohorts/first/known.tsv"
    assert "intervals" not in inputs


def test_examinations_of_patients_need_no_column_of_scans():
    rows = [{k: v for k, v in row.items() if k != "scan"} for row in people({}, {})]
    wiring = robustness(load_study(config(rows, **AGAIN)))
    assert {row["changed"] for row in wiring.scans(Job(cohort="first"))} == {""}


def test_results_of_the_sections_are_named_by_the_study(tmp_path):
    study = load_study(config(FAULTY, **REPAIRS, **AGAIN))
    made = ["evaluation/repairs.tsv", "evaluation/repairs_subjects.tsv"]
    made += ["cohorts/first/repeatability/pairs.tsv", "cohorts/second/repeatability/pairs.tsv"]
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert unnamed(study, tmp_path) == ["cohorts/second/repeatability"]


def refused(match, rows, edit=lambda config: None, **keys):
    changed = config(rows, **keys)
    edit(changed)
    with pytest.raises(StudyError, match=match):
        load_study(changed)


def test_scans_that_make_no_sense_are_refused():
    refused("changed is 'weather', expected some of", people({}, {"scan": 2, "changed": "weather"}))
    refused("first scan of a patient changes nothing", people({"changed": "noise"}))
    refused("needs phantom.variety above 0", people({"scan": 2, "changed": "scanner"}))
    refused("column scan needs a number in every row", people({}, {"scan": None}))


def test_scans_of_other_layouts_are_refused():
    def other(config):
        config["cohorts"] = {"first": config["cohorts"]["first"] | {"layout": "myops"}}
        config["cohorts"]["first"]["sequences"] = ["c0"]
        config["cohorts"]["first"]["annotators"] = {}
        config["cohorts"]["first"]["phantom"] = {k: v for k, v in PHANTOM.items() if k != "frames"}

    refused("columns scan and changed are for short-axis cines of a phantom", people({}), other)


def test_repairs_that_compare_nothing_are_refused():
    def alike(config):
        config["cohorts"]["second"].pop("cleaning")

    def apart(config):
        config["cohorts"]["second"]["subjects"] = FAULTY[:1]

    def real(config):
        for cohort in config["cohorts"].values():
            cohort.pop("phantom")
            cohort["raw"] = "raw"
            cohort["subjects"] = [{"subject": "1", "split": "test"}]

    refused("the second one needs unrepaired", FAULTY, alike, **REPAIRS)
    refused("have different subjects; name one table", FAULTY, apart, **REPAIRS)
    refused("cohort first is no phantom", FAULTY, real, **REPAIRS)
    refused("patient p of cohort first has 2 rows without", people({}, {}), **REPAIRS)
    two = people({}, {"faults": "missing_slice:1,wide_image"})
    refused("subject 2 has faults missing_slice:1,wide_image; expected one", two, **REPAIRS)
    refused("fault wide_image has no severity", people({}, {"faults": "wide_image:3"}), **REPAIRS)
    unnamed_scans = [{k: v for k, v in row.items() if k != "scan"} for row in FAULTY]
    refused("cohort first has no column scan", unnamed_scans, **REPAIRS)


def test_unrepaired_is_for_one_layout():
    def folder(config):
        config["cohorts"]["second"]["layout"] = "folder"
        config["cohorts"]["second"]["annotators"] = {}

    refused("cleaning.mode unrepaired is for layout kaggle, not folder", people({}), folder)


def test_repeatability_needs_patients_who_were_examined_twice():
    alone = people({}, {"patient": "q"})
    refused("no patient of cohort first has two examinations", alone, **AGAIN)
    twice = {"repeatability": AGAIN["repeatability"] * 2}
    refused("cohort first occurs twice; join the entries", people({}, {}), **twice)


def test_figures_of_sections_that_are_not_there_are_refused():
    figures = {"drawn": {"figure": "repairs", "cohort": "first"}}
    refused("the section `repairs` does not name cohort first", FAULTY, figures=figures)
    figures = {"drawn": {"figure": "spread", "cohort": "first"}}
    refused("has no ensemble for cohort first with members", FAULTY, figures=figures)


def ensemble_study(make, cells, splits=("train", "train", "validate")):
    """The small study with an ensemble in place of `base`."""
    head, *rows = MODELS.strip().split("\n")
    rows = [row for row in rows if not row.startswith("next")]
    models = "\n".join([f"{head} folds seeds", f"{rows[0]} 2 -"])
    models += "\n" + rows[1].replace(" fcn c10 ", " truth all ") + f" {cells}\n"
    subjects = "subject\tsplit\tedv_ml\tesv_ml\n"
    subjects += "".join(f"{n}\t{split}\t150\t60\n" for n, split in enumerate(splits, 1))
    return make(lambda c: c.pop("confidence"), subjects=subjects, models=models)


def test_members_of_an_evaluated_ensemble_are_evaluated_too(make):
    study = ensemble_study(make, "- 2")
    assert spreads(study) == [("base", "people")]
    assert members_evaluated(study) == [("base_s1", "people"), ("base_s2", "people")]
    assert study.evaluations() == [(m, "people") for m in ("base", "base_s1", "base_s2")]
    assert ("people", "base_s2") in study.labelled()
    # For nothing else: a figure of predictions would show the last one.
    assert ("people", "base_s2") not in [*study.measured(), *study.predicted()]
    inputs = Ensembles(study).spread_inputs(Job(labeller="base", cohort="people"))
    top = "results/small/evaluation"
    assert inputs["members"] == [f"{top}/base_s{n}/people/subjects.tsv" for n in (1, 2)]


def test_a_figure_of_strategies_reads_the_members_of_its_ensembles(make):
    study = ensemble_study(make, "- 2")
    study.config["figures"] = {"drawn": {"figure": "strategies", "cohort": "people"}}
    cohorts, picture = Cohorts(study), Job(figure="drawn")
    figures = Figures(study, cohorts, Raw(study, cohorts, ()))
    top = "results/small/evaluation"
    inputs = figures.inputs(picture)
    assert inputs["subjects"] == [f"{top}/base/people/subjects.tsv"]
    assert inputs["members"] == [f"{top}/base_s{n}/people/subjects.tsv" for n in (1, 2)]
    settings = figures.settings(picture)
    assert settings["members"] == {"base": ["base_s1", "base_s2"]}
    assert settings["models"]["base"]["start"] == "random"
    assert "folds" not in inputs


def test_folds_alone_have_a_spread_where_no_member_has_seen_a_subject(make):
    with_others = ensemble_study(make, "2 -")
    assert spreads(with_others) == [("base", "people")]
    inputs = Ensembles(with_others).spread_inputs(Job(labeller="base", cohort="people"))
    assert inputs["folds"] == "results/small/folds/people/train_2.tsv"
    assert spreads(ensemble_study(make, "2 -", ("train", "train", "train"))) == []
    assert spreads(ensemble_study(make, "2 2", ("train", "train", "train"))) != []
