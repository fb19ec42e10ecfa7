import copy
from pathlib import Path

import pytest
import yaml

from study import Study
from study_prediction import prediction_origins, prediction_study
from study_tables import StudyError, read_rows

ROOT = Path(__file__).resolve().parents[1]

SUBJECTS = (
    "subject\tsplit\tedv_ml\tesv_ml\n1\ttrain\t150\t60\n2\ttrain\t120\t50\n3\tvalidate\t200\t90\n"
)
MODELS = """\
model network encoder width classes cohort labeller subset splits start preparation intensity \
size_px augmentation loss batch schedule lr_frozen epochs_frozen lr epochs seed
fcn fcn - 4 4 people truth all train random fcn linear 64 fcn ce 2 constant 0 0 0.001 2 1
base unet resnet34 8 3 people fcn c10 train random unet linear 64 no ce 4 onecycle 0 0 0.001 2 1
next unet resnet34 8 3 people truth all train base unet linear 64 no ce 4 onecycle 0 0 0.001 2 1
"""


def as_table(text):
    rows = [line.split(" ") for line in text.strip().split("\n")]
    return "\n".join("\t".join("" if c == "-" else c for c in row) for row in rows) + "\n"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Build the study of a small config after an edit of the config or one of its tables."""
    monkeypatch.chdir(tmp_path)
    config = {
        "study": "small",
        "cohorts": {
            "people": {
                "subjects": "subjects.tsv",
                "subjects_per_job": 2,
                "layout": "kaggle",
                "raw": "raw",
                "annotators": {"truth": "masks"},
            }
        },
        "models": "models.tsv",
        "imagenet": "if_present",
        "volumes": {"ed": "max"},
        "confidence": {"cohort": "people", "labeller": "fcn"},
        "evaluate": [{"cohort": "people", "labellers": ["base"], "reference": "truth"}],
        "figures": {"errors": {"figure": "ef_error", "cohort": "people"}},
    }

    def build(edit=lambda config: None, subjects=SUBJECTS, models=MODELS):
        changed = copy.deepcopy(config)
        edit(changed)
        Path("subjects.tsv").write_text(subjects)
        Path("models.tsv").write_text(as_table(models))
        return Study(changed)

    return build


def test_subjects_are_dealt_to_shards_in_order(make):
    study = make()
    assert study.shards("people") == ["0000", "0001"]
    assert [row["subject"] for row in study.rows("people", "0000")] == ["1", "2"]
    assert [row["subject"] for row in study.rows("people", "0001")] == ["3"]


def test_labellers_are_annotators_and_every_model_that_is_asked_for(make):
    assert make().labellers("people") == ["base", "fcn", "truth"]


def test_ids_stay_text(make):
    study = make(subjects=SUBJECTS.replace("\n1\t", "\n001\t"))
    assert study.rows("people", "0000")[0]["subject"] == "001"


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


def test_an_empty_cohort_is_refused(make):
    with pytest.raises(StudyError, match=r"cohort people: subjects\.tsv has no subjects"):
        make(subjects="subject\tsplit\n")


def test_a_repeated_subject_is_refused(make):
    with pytest.raises(StudyError, match="subject 1 twice"):
        make(subjects=SUBJECTS + "1\ttrain\t100\t50\n")


def test_a_missing_truth_row_is_refused_by_name(make):
    with pytest.raises(StudyError, match="no edv_ml and esv_ml for 2;"):
        make(subjects=SUBJECTS.replace("2\ttrain\t120\t50", "2\ttrain\t\t50"))


def test_a_truth_that_cannot_be_is_refused(make):
    with pytest.raises(StudyError, match="subject 2 has edv_ml below esv_ml"):
        make(subjects=SUBJECTS.replace("120\t50", "50\t120"))


def test_a_number_that_is_none_is_refused_with_its_line(make):
    with pytest.raises(StudyError, match=r"subjects\.tsv, line 3: edv_ml is 'many'"):
        make(subjects=SUBJECTS.replace("120", "many"))


def test_a_subject_table_with_another_column_is_refused(make):
    with pytest.raises(StudyError, match="unknown key 'weight'"):
        make(subjects="subject\tsplit\tweight\n1\ttrain\t80\n")


def test_a_missing_table_is_named(make):
    with pytest.raises(StudyError, match=r"absent\.tsv: cannot be read"):
        make(lambda config: config.update(models="absent.tsv"))


def test_a_model_that_starts_from_itself_is_refused(make):
    with pytest.raises(StudyError, match="model next starts from or learns from itself: next <- "):
        make(models=MODELS.replace("train base unet", "train next unet"))


def test_models_that_start_from_each_other_are_refused(make):
    models = MODELS.replace("c10 train random", "c10 train next")
    with pytest.raises(StudyError, match="base <- next <- base"):
        make(models=models)


def test_a_model_that_learns_its_own_labels_is_refused(make):
    with pytest.raises(StudyError, match="model fcn starts from or learns from itself"):
        make(models=MODELS.replace("truth all train random fcn", "fcn all train random fcn"))


def test_an_unknown_start_is_refused(make):
    with pytest.raises(StudyError, match="start 'bsae' is neither random nor imagenet nor a model"):
        make(models=MODELS.replace("train base unet", "train bsae unet"))


IMAGENET_MODELS = MODELS.replace("all train base unet", "all train imagenet unet")


def test_a_model_without_its_imagenet_weights_is_left_out_by_name(make):
    study = make(models=IMAGENET_MODELS)
    assert study.left_out == {"next": "resources/downloads/imagenet/resnet34.safetensors"}
    assert list(study.models) == ["fcn", "base"]


def test_a_model_with_its_imagenet_weights_is_planned(make):
    weights = Path("resources/downloads/imagenet/resnet34.safetensors")
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert "next" in make(models=IMAGENET_MODELS).models


def test_a_model_that_needs_one_without_its_weights_is_refused(make):
    models = IMAGENET_MODELS.replace("c10 train random", "c10 train next")
    with pytest.raises(StudyError, match="model base needs model next, whose ImageNet weights"):
        make(models=models)


def test_stacks_of_one_phantom_study_stay_in_one_job(make):
    def edit(config):
        people = config["cohorts"]["people"]
        del people["raw"]
        people["phantom"] = {
            "scanner": "1.5T", "rows": 64, "columns": 48, "spacing_mm": 5,
            "slice_distance_mm": 10, "thickness_mm": 8, "frames": 5,
        }  # fmt: skip

    subjects = "subject\tstudy\tseries\tsplit\tedv_ml\tesv_ml\n"
    for subject, study, series in (("1", "1", ""), ("2_a", "2", "!sax_9"), ("2_b", "2", "sax_9")):
        subjects += f"{subject}\t{study}\t{series}\ttrain\t150\t60\n"
    with pytest.raises(StudyError, match="the subjects of study 2 fall into two jobs"):
        make(edit, subjects=subjects)


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


def test_an_unknown_labeller_is_refused(make):
    with pytest.raises(StudyError, match="evaluate: no labeller 'bass' for cohort people"):
        make(lambda config: config["evaluate"][0].update(labellers=["bass"]))


def test_an_unknown_cohort_of_a_figure_is_refused(make):
    with pytest.raises(StudyError, match="figure errors: no cohort 'poeple'"):
        make(lambda config: config["figures"]["errors"].update(cohort="poeple"))


def test_a_confidence_set_needs_its_section(make):
    with pytest.raises(StudyError, match="model base: subset c10 of cohort people needs"):
        make(lambda config: config.pop("confidence"))


def test_a_unet_needs_an_encoder(make):
    with pytest.raises(StudyError, match="model base: network unet with encoder ''"):
        make(models=MODELS.replace("base unet resnet34", "base unet -"))


def test_a_prediction_of_nobody_is_not_drawn(make):
    def edit(config):
        config["cohorts"]["others"] = {"subjects": "subjects.tsv", "layout": "nifti", "raw": "raw"}
        config["figures"]["shown"] = {"figure": "prediction", "cohort": "others"}

    with pytest.raises(StudyError, match="figure shown: no model labels cohort others"):
        make(edit)


def test_a_repeated_model_is_refused(make):
    with pytest.raises(StudyError, match="model fcn is there twice"):
        make(models=MODELS + MODELS.split("\n")[1] + "\n")


def test_a_model_is_no_annotator(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["fcn"] = "masks"

    with pytest.raises(StudyError, match="'fcn' is both a model and an annotator"):
        make(edit)


def replaced(old, new):
    assert old in MODELS
    return MODELS.replace(old, new)


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        (replaced("base unet resnet34 8 3 people fcn", "base unet resnet34 6 3 people fcn"),
         "model next: width is '8', but its start base has '6'"),
        (replaced("random unet linear 64", "random unet linear 48"), "model base: size_px 48"),
        (replaced("random fcn linear", "random fcn greys"), "model fcn: intensity greys"),
        (replaced("random unet linear 64 no", "random fcn linear 64 no"),
         "model base: network unet with preparation fcn"),
        (replaced("constant 0 0 0.001 2", "constant 0 0 0.001 0"), "model fcn: no epochs"),
        (replaced("constant 0 0 0.001 2", "constant 0 3 0.001 2"),
         "model fcn: epochs_frozen without lr_frozen"),
        (replaced("truth all train base", "truth v3 train base"),
         "model next: subset v3 of cohort people needs 3 subjects, splits train have 2"),
        (replaced("fcn fcn - 4 4", "fcn unet3plus - 4 4"),
         "model fcn: network unet3plus with preparation fcn; each has its own, minmax"),
        (replaced("fcn fcn - 4 4", "fcn unet3plus resnet34 4 4"),
         "model fcn: network unet3plus with encoder 'resnet34'; unet and unet_compat need an"),
        (replaced("ce 2 constant 0 0 0.001 2", "ce 2 early_stopping 0 0 0.001 2+3"),
         r"model fcn: schedule early_stopping with epochs 2\+3, 0 frozen; it is one cycle"),
        (replaced("ce 2 constant 0 0", "ce 2 early_stopping 0.1 1"), "with epochs 2, 1 frozen"),
        (replaced("fcn fcn - 4 4 people truth all train random fcn",
                  "fcn unet3plus - 4 4 people truth all train imagenet minmax"),
         "model fcn: network unet3plus has no ImageNet weights to start from"),
        (MODELS + "imagenet" + MODELS.split("\n")[1].removeprefix("fcn") + "\n",
         "a model cannot be named 'imagenet'"),
    ],
)  # fmt: skip
def test_models_that_cannot_be_trained_are_refused(make, models, sentence):
    with pytest.raises(StudyError, match=sentence):
        make(models=models)


MICE = MODELS.replace(
    "fcn - 4 4 people truth all train random fcn linear 64 fcn ce 2 constant",
    "unet3plus - 4 3 people truth all train random minmax linear 64 mouse dice 2 early_stopping",
)


def wider(column, *cells):
    """The table of MICE with one more column."""
    head, *rows = MICE.strip().split("\n")
    return "\n".join(
        f"{line} {cell}" for line, cell in zip([head, *rows], [column, *cells], strict=True)
    )


def test_the_network_for_mice_is_a_row_like_others(make):
    study = make(models=MICE)
    row = study.models["fcn"]
    assert (row["network"], row["islands"], row["head_weights"]) == ("unet3plus", "", "")
    assert study.slices_name("fcn") == "minmax_linear_64_3"
    assert study.model("fcn")["islands"] == ""


def test_islands_and_weights_of_heads_are_columns_that_may_be_there(make):
    study = make(models=wider("islands", "code", "-", "largest"))
    assert [study.model(name)["islands"] for name in study.models] == ["code", "", "largest"]
    study = make(models=wider("head_weights", "0,0,0.5,1,1", "-", "-"))
    assert study.models["fcn"]["head_weights"] == "0,0,0.5,1,1"
    with pytest.raises(StudyError, match=r"line 2: islands: 'big' is not one of"):
        make(models=wider("islands", "big", "-", "-"))
    with pytest.raises(StudyError, match=r"line 2: head_weights: '1;1' does not match"):
        make(models=wider("head_weights", "1;1", "-", "-"))
    with pytest.raises(StudyError, match="model fcn: head_weights 1,1; network unet3plus needs 5"):
        make(models=wider("head_weights", "1,1", "-", "-"))


def test_a_set_chosen_by_the_scores_of_its_own_model_is_refused(make):
    with pytest.raises(StudyError, match="model base starts from or learns from itself"):
        make(lambda config: config["confidence"].update(labeller="base"))


def test_a_cohort_without_subjects_to_validate_on_is_refused(make):
    with pytest.raises(StudyError, match="model fcn: cohort people has no subject to validate on"):
        make(subjects=SUBJECTS.replace("validate", "test"))


def test_a_form_of_annotation_that_the_layout_does_not_hold_is_refused(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["truth"] = "qmass"

    with pytest.raises(StudyError, match="cohort people: annotator truth has qmass, layout kaggle"):
        make(edit)


def test_a_reference_that_is_a_model_is_refused(make):
    with pytest.raises(StudyError, match="reference 'fcn' of cohort people is no annotator"):
        make(lambda config: config["evaluate"][0].update(reference="fcn"))


def with_studies(*rows):
    table = "subject\tstudy\tseries\tsplit\tedv_ml\tesv_ml\n"
    rows = [*rows, ("9", "9", "", "validate")]
    return table + "".join("\t".join(row) + "\t150\t60\n" for row in rows)


def test_a_patient_in_two_splits_is_refused(make):
    rows = (("1_a", "1", "sax_2", "train"), ("1_b", "1", "!sax_2", "test"))
    with pytest.raises(StudyError, match="study 1 is in splits train, test"):
        make(subjects=with_studies(*rows))


def test_two_subjects_of_the_same_series_are_refused(make):
    rows = (("1_a", "1", "", "train"), ("1_b", "1", "sax_2", "train"))
    with pytest.raises(StudyError, match="subjects 1_a, 1_b are the same series of study 1"):
        make(subjects=with_studies(*rows))


@pytest.mark.parametrize("row", [("1", "../1", "", "train"), ("1_rot90", "1", "", "train")])
def test_ids_that_would_leave_their_folder_or_look_like_a_copy_are_refused(make, row):
    with pytest.raises(StudyError, match=r"subjects\.tsv, line 2: (study|subject)"):
        make(subjects=with_studies(row))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"figure": "confidence", "cohort": "people"}, "labeller fcn is not in `evaluate`"),
        ({"figure": "learning_curves", "cohort": "others"}, "no model is trained on cohort others"),
        ({"figure": "cleaning", "cohort": "others"}, "cohort others has no DICOM to clean"),
        ({"figure": "ef_error", "cohort": "others"}, "cohort others is not in `evaluate`"),
    ],
)
def test_figures_without_what_they_draw_are_refused(make, entry, sentence):
    def edit(config):
        config["cohorts"]["others"] = {
            **config["cohorts"]["people"], "layout": "ukbb", "annotators": {"truth": "nifti"},
        }  # fmt: skip
        config["figures"]["wanted"] = entry

    with pytest.raises(StudyError, match=f"figure wanted: .*{sentence}"):
        make(edit)


def test_a_figure_shows_all_labellers_or_those_that_it_names(make):
    def edit(config):
        config["evaluate"][0]["labellers"] = ["fcn", "base", "next"]
        kinds = {"all": "strategies", "some": "strategies", "curves": "learning_curves"}
        config["figures"] = {n: {"figure": k, "cohort": "people"} for n, k in kinds.items()}
        config["figures"]["some"]["labellers"] = ["next", "fcn"]

    study = make(edit)
    assert study.drawn("all") == ["fcn", "base", "next"]
    assert study.drawn("some") == ["next", "fcn"]
    assert study.drawn("curves") == ["fcn", "base", "next"]


@pytest.mark.parametrize(
    ("kind", "labellers", "sentence"),
    [
        ("strategies", ["fcn"], "'fcn' is not in `evaluate` for cohort people; there are base"),
        ("learning_curves", ["truth"], "'truth' is not trained on cohort people; there are fcn"),
        ("cleaning", ["base"], "cleaning shows no choice of labellers; leave them out"),
    ],
)
def test_a_figure_cannot_name_labellers_that_it_does_not_know(make, kind, labellers, sentence):
    entry = {"figure": kind, "cohort": "people", "labellers": labellers}
    with pytest.raises(StudyError, match=f"figure wanted: {sentence}"):
        make(lambda config: config["figures"].update(wanted=entry))


def test_a_confidence_figure_needs_the_section(make):
    def edit(config):
        del config["confidence"]
        config["figures"]["wanted"] = {"figure": "confidence", "cohort": "people"}

    with pytest.raises(StudyError, match="figure wanted: cohort people has no confidence scores"):
        make(edit, models=MODELS.replace("c10", "all"))


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_every_study_of_the_project_is_sound(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = Study(yaml.safe_load(path.read_text()))
    assert study.name


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


# -- models that are there already -----------------------------------------------------------


CATALOGUE = """\
published_sa: {source: x, sequence: sa, network: fcn, encoder: "", width: 16, classes: 4,
  preparation: fcn, intensity: linear, size_px: 192}
published_2ch: {source: x, sequence: la_2ch}
"""
RECORD = (
    '{"settings": {"network": "unet", "encoder": "resnet34", "width": 8, "classes": 3, '
    '"preparation": "unet", "intensity": "linear", "size_px": 64, "seed": 5}}'
)


@pytest.fixture
def given(make):
    """Build a study that names a model's folder in `weights`."""
    Path("resources").mkdir()
    Path("resources/weights.yaml").write_text(CATALOGUE)
    folder = Path("elsewhere/mine")
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").touch()
    (folder / "record.json").write_text(RECORD)

    def build(path, edit=lambda config: None, **tables):
        def both(config):
            config["weights"] = {"mine": path}
            edit(config)

        return make(both, **tables)

    return build


def test_a_model_s_folder_says_how_to_label_with_it(given):
    def edit(config):
        config["evaluate"][0]["labellers"].append("mine")

    study = given("elsewhere/mine", edit)
    assert study.model("mine") == {
        "network": "unet",
        "encoder": "resnet34",
        "width": 8,
        "classes": 3,
        "preparation": "unet",
        "intensity": "linear",
        "size_px": 64,
        "islands": "",
    }
    assert study.weights("mine") == "elsewhere/mine/weights.safetensors"
    assert study.weights("base") == "results/small/models/base/weights.safetensors"
    assert ("people", "mine") in study.predicted()


def test_a_given_model_may_remove_islands(given):
    def edit(config):
        config["evaluate"][0]["labellers"].append("mine")

    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace('"seed"', '"islands": "code", "seed"'))
    assert given("elsewhere/mine", edit).model("mine")["islands"] == "code"


def test_published_weights_are_planned_before_they_are_there(given):
    study = given("resources/models/published_sa")
    assert study.model("mine")["width"] == 16
    assert study.weights("mine") == "resources/models/published_sa/weights.safetensors"


def test_a_model_may_start_from_one_that_is_there_already(given):
    study = given("elsewhere/mine", models=MODELS.replace("train base unet", "train mine unet"))
    assert study.models["next"]["start"] == "mine"


def test_a_given_start_must_be_the_same_network(given):
    with pytest.raises(StudyError, match="model next: network is 'unet', but its start mine has"):
        given(
            "resources/models/published_sa",
            models=MODELS.replace("train base unet", "train mine unet"),
        )


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("elsewhere/absent", "weights mine: no folder elsewhere/absent; name the folder of a mod"),
        ("elsewhere", r"weights mine: elsewhere has no weights.safetensors"),
        ("resources/models/published_2ch", "is for images la_2ch; cohorts are short-axis cines"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(given, path, sentence):
    with pytest.raises(StudyError, match=sentence):
        given(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": 3}', "{}"])
def test_a_record_that_is_none_is_refused(given, text):
    Path("elsewhere/mine/record.json").write_text(text)
    with pytest.raises(StudyError, match=r"mine/record.json is no record of a model"):
        given("elsewhere/mine")


def test_a_record_without_a_setting_is_refused(given):
    Path("elsewhere/mine/record.json").write_text('{"settings": {"network": "unet"}}')
    with pytest.raises(StudyError, match=r"record\.json says nothing of encoder, width, classes"):
        given("elsewhere/mine")


def test_a_name_is_one_model_only(given):
    with pytest.raises(StudyError, match="model base is in the models table and in `weights`"):
        given("elsewhere/mine", lambda c: c["weights"].update(base="elsewhere/mine"))


# -- known volumes, sets, end-diastole -------------------------------------------------------


def test_the_set_is_the_split_unless_the_table_says_otherwise(make):
    subjects = "subject\tsplit\tset\tedv_ml\tesv_ml\n1\ttrain\ttest\t9\t3\n2\tvalidate\t\t9\t3\n"
    rows = make(subjects=subjects).import_rows("people")
    assert [row["set"] for row in rows] == ["test", "validate"]


def test_known_volumes_do_not_import_anew(make):
    assert set(make().import_rows("people", "0000")[0]) == {"subject", "study", "series", "set"}


def test_volumes_of_the_raw_data_need_no_column(make):
    def edit(config):
        config["cohorts"]["people"]["known_volumes"] = "kaggle"

    study = make(edit, subjects="subject\tsplit\n1\ttrain\n2\tvalidate\n")
    assert study.known_volumes("people")
    assert study.volume_evaluations() == [("base", "people")]


def test_end_diastole_may_differ_for_a_labeller(make):
    study = make(lambda config: config["volumes"].update(ed_of={"fcn": "first"}))
    assert (study.ed("people", "fcn"), study.ed("people", "base")) == ("first", "max")


def test_an_evaluation_without_reference_needs_known_volumes(make):
    def edit(config):
        del config["evaluate"][0]["reference"]

    assert make(edit).evaluations() == []
    assert make(edit).volume_evaluations() == [("base", "people")]
    with pytest.raises(StudyError, match="people has neither a `reference` nor known volumes"):
        make(
            lambda config: (edit(config), config.pop("confidence")),
            subjects=SUBJECTS.replace("200\t90", "\t"),
            models=MODELS.replace("c10", "all"),
        )


def test_a_figure_of_overlap_needs_a_reference(make):
    def edit(config):
        del config["evaluate"][0]["reference"]
        config["figures"]["pictures"] = {"figure": "overlays", "cohort": "people"}

    with pytest.raises(StudyError, match="figure pictures: `evaluate` gives cohort people no ref"):
        make(edit)


def test_an_annotator_may_have_a_folder_of_its_own(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["other"] = {"form": "frames", "raw": "b"}

    study = make(edit)
    assert study.annotator("people", "truth") == {
        "raw": "",
        "folder": "annotations/truth",
        "form": "masks",
    }
    assert study.annotator("people", "other")["raw"] == "b"


def test_the_folder_of_the_published_study_is_taken(make):
    with pytest.raises(StudyError, match="study is 'published', whose results have that folder"):
        make(lambda config: config.update(study="published"))


# -- one subject, one model ------------------------------------------------------------------


@pytest.fixture
def pictures(given):
    """Folders as people have them."""
    for name in ("dicom/Case 7/1.dcm", "volumes/sa.nii.gz", "one/cine.nii.gz", "two/a.nii"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("two/b.nii").touch()
    Path("___").mkdir()


@pytest.mark.parametrize(
    ("input_", "layout", "raw", "study", "subject"),
    [
        ("dicom/Case 7", "folder", "dicom", "Case 7", "Case_7"),
        ("volumes", "nifti", ".", "volumes", "volumes"),
        ("one", "nifti", "one", "cine", "one"),
        ("one/cine.nii.gz", "nifti", "one", "cine", "cine"),
    ],
)
def test_two_words_make_a_study(pictures, input_, layout, raw, study, subject):
    made = prediction_study({"input": input_, "model": "elsewhere/mine"})
    cohort = made["cohorts"]["input"]
    assert cohort["layout"] == layout
    assert Path(cohort["raw"]) == Path(raw).resolve()
    assert cohort["subjects"] == [{"subject": subject, "study": study, "split": "test"}]
    if " " not in study:
        assert Study(made).predicted() == [("input", "mine")]


def test_a_name_may_be_given(pictures):
    made = prediction_study({"input": "one", "model": "published_sa", "subject": "P-1"})
    assert made["study"] == "predict_p_1"
    assert made["weights"] == {"published_sa": "resources/models/published_sa"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            b"subject,split\n1,train\n",
            "has the one column 'subject,split'; separate columns by tabs",
        ),
        ("subject\tstudy\tsplit\n1\tJörg\ttrain\n".encode("latin1"), "is not text in UTF-8"),
        (b"subject\tsplit\n1\ttrain\tx\ty\n2\ttrain\n3\ttrain\tx\ty\tz\n", "as a table with tabs"),
    ],
)
def test_a_table_of_another_program_is_refused_with_what_to_do(tmp_path, text, sentence):
    path = tmp_path / "subjects.tsv"
    path.write_bytes(text)
    with pytest.raises(StudyError, match=sentence):
        read_rows(str(path), "subjects", set(), set())


def test_another_input_or_model_of_the_same_name_is_refused(pictures):
    config = {"input": "one", "model": "here/mine"}
    origins = Path("results/predict_one/origins")
    origins.mkdir(parents=True)
    for name, path in prediction_origins(config).items():
        (origins / f"{name}.txt").write_text(f"{path}\n")
    assert sorted(path.name for path in origins.iterdir()) == ["input.txt", "model_mine.txt"]
    prediction_study(config | {"input": "./one/", "model": "here/mine/"})
    with pytest.raises(StudyError, match=r"has labels of another model.*here/mine; rename"):
        prediction_study(config | {"model": "there/mine"})
    Path("far/one").mkdir(parents=True)
    with pytest.raises(StudyError, match=r"predict_one has the results of .*; give subject="):
        prediction_study(config | {"input": "far/one"})
    prediction_study(config | {"input": "far/one", "subject": "two"})


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"input": "absent", "model": "m"}, "input=absent: does not exist"),
        ({"input": "one"}, "needs model="),
        ({"input": "two", "model": "m"}, "has 2 NIfTI files; name the short-axis cine"),
        ({"input": "___", "model": "m"}, "no letter or digit for a name"),
        ({"input": "one", "model": "m", "modle": 1}, "--config modle: unknown beside input"),
        ({"input": "subjects.tsv", "model": "m"}, "a file must be NIfTI"),
    ],
)
def test_an_input_that_cannot_be_labelled_is_refused(pictures, config, sentence):
    Path("subjects.tsv").touch()
    with pytest.raises(StudyError, match=sentence):
        prediction_study(config)


def test_a_split_does_not_import_anew_where_nothing_lies_in_the_folder_of_a_set(make):
    def edit(config):
        config["cohorts"]["people"].update(layout="folder", annotators={"truth": "qmass"})

    assert {row["set"] for row in make(edit).import_rows("people")} == {""}


def test_the_competition_s_volumes_need_its_layout(make):
    def edit(config):
        about = {"layout": "folder", "annotators": {"truth": "qmass"}, "known_volumes": "kaggle"}
        config["cohorts"]["people"].update(about)

    with pytest.raises(StudyError, match="layout folder has no tables of the competition"):
        make(edit)


def test_an_unknown_labeller_with_an_end_diastole_of_its_own_is_refused(make):
    with pytest.raises(StudyError, match=r"volumes\.ed_of: nobody called 'fnc' labels a cohort"):
        make(lambda config: config["volumes"].update(ed_of={"fnc": "first"}))
