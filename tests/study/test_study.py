"""The config of a study: keys, cohorts and annotators, and the project's own studies."""

import pytest
import yaml

from small_study import small_study
from study.load import load_study
from study.tables import StudyError
from tiny_study import ROOT

make = pytest.fixture(small_study)


def test_labellers_are_annotators_and_every_model_that_is_asked_for(make):
    assert make().labellers("people") == ["base", "fcn", "truth"]


def test_an_unknown_key_is_refused_with_the_nearest_known_one(make):
    def edit(config):
        config["cohorts"]["people"]["layuot"] = "kaggle"

    with pytest.raises(StudyError, match=r"cohorts\.people: unknown key 'layuot'; did you mean 'l"):
        make(edit)


def test_an_unknown_key_without_a_near_one_lists_the_known(make):
    with pytest.raises(StudyError, match="unknown key 'zzz'; known keys: study"):
        make(lambda config: config.update(zzz=1))


def test_a_wrong_value_is_named(make):
    with pytest.raises(StudyError, match=r"config: volumes\.ed: 'last' is not one of"):
        make(lambda config: config["volumes"].update(ed="last"))


def test_a_cohort_needs_one_source(make):
    with pytest.raises(StudyError, match="needs either `raw`"):
        make(lambda config: config["cohorts"]["people"].pop("raw"))


def test_a_missing_table_is_named(make):
    with pytest.raises(StudyError, match=r"absent\.tsv: cannot be read"):
        make(lambda config: config.update(models="absent.tsv"))


def test_a_phantom_cine_needs_its_number_of_frames(make):
    def edit(config):
        people = config["cohorts"]["people"]
        del people["raw"]
        people["phantom"] = {
            "scanner": "1.5T", "rows": 64, "columns": 48, "spacing_mm": 5,
            "slice_distance_mm": 10, "thickness_mm": 8,
        }  # fmt: skip

    with pytest.raises(StudyError, match=r"cohort people: phantom\.frames belongs to"):
        make(edit)


def test_defaults_are_filled_in(make):
    study = make()
    assert study.cohorts["people"]["cleaning"] == {"mode": "corrected", "max_size_px": 256}
    assert study.config["max_failed_fraction"] == 0.1


def test_a_form_of_annotation_that_the_layout_does_not_hold_is_refused(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["truth"] = "qmass"

    with pytest.raises(StudyError, match="cohort people: annotator truth has qmass, layout kaggle"):
        make(edit)


# Its subjects are participants of UK Biobank, whose ids belong to an application.
OWN_TABLE = ROOT / "config/ukbb-bulk.yaml"
STUDIES = [p for p in sorted((ROOT / "config").glob("*.yaml")) if p.name != "recipes.yaml"]
STUDIES.remove(OWN_TABLE)


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.name)
def test_every_study_of_the_project_is_sound(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = load_study(yaml.safe_load(path.read_text()))
    assert study.name


def test_a_study_of_participants_asks_for_its_subject_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load(OWN_TABLE.read_text())
    with pytest.raises(StudyError, match=r"participants: no subject table config/cohorts/ukbb_bu"):
        load_study(config)
    (tmp_path / "config/cohorts").mkdir(parents=True)
    table = "subject\tsplit\tpulse_pressure_mmhg\n1000001\ttest\t45\n1000002\ttest\t\n"
    (tmp_path / "config/cohorts/ukbb_bulk.tsv").write_text(table)
    study = load_study(config)
    assert study.labellers("participants") == sorted(config["weights"])


@pytest.mark.parametrize("schema", ["study", "models", "subjects"])
def test_every_key_is_described(schema):
    rules = yaml.safe_load((ROOT / f"workflow/schemas/{schema}.schema.yaml").read_text())
    pending = [rules, *rules.get("$defs", {}).values()]
    while pending:
        rule = pending.pop()
        for key, value in rule.get("properties", {}).items():
            if value.get("type") not in ("object", "array") and "$ref" not in value:
                assert value.get("description"), f"{schema}: {key} has no description"
            pending.append(value)


def test_volumes_of_the_raw_data_need_no_column(make):
    def edit(config):
        config["cohorts"]["people"]["known_volumes"] = "kaggle"

    study = make(edit, subjects="subject\tsplit\n1\ttrain\n2\tvalidate\n")
    assert study.known_volumes("people")
    assert study.volume_evaluations() == [("base", "people")]


def test_an_annotator_may_have_a_folder_of_its_own(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["other"] = {"form": "frames", "raw": "b"}

    study = make(edit)
    assert study.annotator("people", "truth") == {
        "raw": "",
        "folder": "annotations/truth",
        "sequence": "sa",
        "form": "masks",
    }
    assert study.annotator("people", "other")["raw"] == "b"


def numbered(numbers, form="nifti"):
    """A change of a study: its annotator's label files have these numbers."""

    def edit(config):
        people = config["cohorts"]["people"]
        people["annotators"]["truth"] = {"form": form, "numbers": numbers}
        people["layout"] = "folder" if form == "qmass" else "kaggle"

    return edit


def test_an_annotator_s_label_files_may_have_other_numbers(make):
    study = make(numbered({1: "rv", "2": "my", 3: "lv", 4: "bg"}))
    assert study.annotator("people", "truth")["numbers"] == {1: 3, 2: 2, 3: 1, 4: 0}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (numbered({1: "rv", 0: "my"}), "annotator truth has numbers for 0, expected 1 to 254"),
        (numbered({"255": "my"}), "annotator truth has numbers for '255', expected 1 to 254"),
        (numbered({"one": "my"}), "annotator truth has numbers for 'one', expected 1 to 254"),
        (numbered({True: "my"}), "annotator truth has numbers for True, expected 1 to 254"),
        (numbered({1: "rv"}, "qmass"), "has numbers, which are for label files .*; qmass has its"),
        (numbered({1: "aorta"}), "truth"),
        (numbered({}), "truth"),
    ],
)
def test_numbers_that_cannot_be_those_of_label_files_are_refused(make, edit, message):
    with pytest.raises(StudyError, match=message):
        make(edit)


def drawn_in_cvi42(layout):
    """A change of a study: its annotator's contours are workspaces of cvi42."""

    def edit(config):
        config["cohorts"]["people"].update(layout=layout, annotators={"truth": "cvi42"})

    return edit


def test_workspaces_of_cvi42_belong_to_images_in_folders(make):
    assert make(drawn_in_cvi42("folder")).annotator("people", "truth")["form"] == "cvi42"
    message = "cohort people: annotator truth has cvi42, layout kaggle has masks or frames"
    with pytest.raises(StudyError, match=message):
        make(drawn_in_cvi42("kaggle"))


def counted(first_pixel, form="qmass"):
    """A change of a study: its annotator's contours begin there."""

    def edit(config):
        people = config["cohorts"]["people"]
        people["annotators"]["truth"] = {"form": form, "first_pixel": first_pixel}
        people["layout"] = "folder"

    return edit


@pytest.mark.parametrize("form", ["qmass", "text", "cvi42"])
@pytest.mark.parametrize("first_pixel", [0, 0.5, 1])
def test_contours_may_count_from_1_or_from_the_corner(make, first_pixel, form):
    study = make(counted(first_pixel, form))
    assert study.annotator("people", "truth")["first_pixel"] == first_pixel


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            counted(1, "nifti"),
            r"has first_pixel, which is for contours \(qmass, text, cvi42\); nifti has no",
        ),
        (counted(2), "truth"),
    ],
)
def test_a_first_pixel_that_is_none_of_contours_is_refused(make, edit, message):
    with pytest.raises(StudyError, match=message):
        make(edit)


def test_the_folder_of_the_published_study_is_taken(make):
    with pytest.raises(StudyError, match="study is 'published', whose results have that folder"):
        make(lambda config: config.update(study="published"))


def test_the_competition_s_volumes_need_its_layout(make):
    def edit(config):
        about = {"layout": "folder", "annotators": {"truth": "qmass"}, "known_volumes": "kaggle"}
        config["cohorts"]["people"].update(about)

    with pytest.raises(StudyError, match="layout folder has no tables of the competition"):
        make(edit)
