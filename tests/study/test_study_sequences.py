"""Studies with several sequences: what they give, and what is refused by name."""

import pytest

from cmrseg.sequences import SEQUENCES
from cmrseg.tasks.kinds import KINDS, TaskKind
from small_study import MODELS, small_study
from study import tables
from study.tables import REGISTRIES, StudyError

make = pytest.fixture(small_study)
# Two models of other images than the short axis; columns of MODELS and `sequence`, `task`.
HEAD = MODELS.split("\n")[0].replace(" network", " sequence network")
FCN = "fcn - 4 {tissues} people {labeller} all train random fcn linear 64 fcn ce 2 constant"
FCN += " 0 0 0.001 2 1"


def table(**models):
    """A models table: name to (sequence, tissues, labeller)."""
    rows = [
        f"{name} {sequence} {FCN.format(tissues=tissues, labeller=labeller)}"
        for name, (sequence, tissues, labeller) in models.items()
    ]
    return "\n".join([HEAD, *rows]) + "\n"


SCAR = ("c0,de", "lv,wall,scar", "expert")
ATRIA = ("la_4ch", "la,ra", "views")


def widened(config):
    """Short axes, contrasts and a view in one cohort, and who labelled them."""
    cohort = config["cohorts"]["people"]
    cohort.update(layout="nifti", sequences=["c0", "de", "la_4ch"])
    cohort["annotators"] = {
        "expert": "nifti",
        "views": {"form": "nifti", "sequence": "la_4ch"},
        "second": {"form": "nifti", "sequence": "la_4ch"},
    }
    config.pop("confidence")
    config["figures"] = {}
    config["evaluate"] = [
        {"cohort": "people", "labellers": ["scar"], "reference": "expert"},
        {"cohort": "people", "labellers": ["atria", "second"], "reference": "views"},
    ]


@pytest.fixture
def study(make):
    def build(edit=lambda config: None, **models):
        def both(config):
            widened(config)
            edit(config)

        return make(both, models=table(**{"scar": SCAR, "atria": ATRIA, **models}))

    return build


def test_each_labeller_labels_one_sequence(study):
    found = study()
    assert found.sequences("people") == ["c0", "de", "la_4ch"]
    assert found.sequence_of("people", "scar") == SEQUENCES["c0"]
    assert found.sequence_of("people", "expert") == SEQUENCES["c0"]
    assert found.sequence_of("people", "atria") == SEQUENCES["la_4ch"]
    assert found.reference("people", "c0") == "expert"
    assert found.reference("people", "la_4ch") == "views"
    assert found.reference("people", "de") is None
    assert found.evaluated("people") == ["scar", "atria", "second"]
    assert found.evaluated("people", "la_4ch") == ["atria", "second"]
    assert found.slices_name("scar") == "c0-de_lv-wall-scar_fcn_linear_64"
    assert ("people", "scar") in found.measured()
    # Known volumes are those of short-axis cines.
    assert found.volume_evaluations() == []


def test_a_figure_shows_one_sequence(study):
    def edit(config):
        config["figures"] = {
            "first": {"figure": "overlays", "cohort": "people"},
            "views": {"figure": "viewer", "cohort": "people", "sequence": "la_4ch"},
        }

    found = study(edit)
    assert (found.drawn_sequence("first"), found.drawn("first")) == ("c0", ["scar"])
    assert (found.drawn_sequence("views"), found.drawn("views")) == ("la_4ch", ["atria", "second"])


def cohort(**changes):
    return lambda config: config["cohorts"]["people"].update(changes)


def annotator(**about):
    return lambda config: config["cohorts"]["people"]["annotators"].update(expert=about)


def figure(**about):
    return lambda config: config["figures"].update(shown={"cohort": "people", **about})


def entry(number, **changes):
    return lambda config: config["evaluate"][number].update(changes)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            cohort(layout="kaggle"),
            "cohort people: annotator expert has nifti|layout kaggle only has",
        ),
        (
            cohort(layout="png", annotators={}),
            "cohort people: sequences c0, de, la_4ch; layout png only has sa; nifti, ukbb",
        ),
        (
            cohort(layout="ukbb_dicom"),
            "cohort people: layout ukbb_dicom has no c0, de; it has sa, la_2ch, la_3ch, la_4ch, ao",
        ),
        (
            cohort(cleaning={"contoured_by": "expert"}),
            "cohort people: cleaning.contoured_by is for the layout ukbb_dicom, not nifti",
        ),
        (
            cohort(
                layout="ukbb_dicom",
                sequences=["la_4ch"],
                annotators={"views": "cvi42"},
                cleaning={"contoured_by": "expert"},
            ),
            "contoured_by is 'expert', expected an annotator of the cohort with the form cvi42; "
            "there are views",
        ),
        (
            cohort(layout="ukbb"),
            "layout ukbb has end-diastole and end-systole of cines; c0, de",
        ),
        (cohort(sequences=["c0", "xy"]), "'xy' is not one of"),
        (
            cohort(sequences=["c0", "de"]),
            "annotator views labels la_4ch; the cohort's sequences",
        ),
        (cohort(sequences=["c0", "la_4ch"]), "model scar: cohort people has no images de; its"),
        (
            annotator(form="nifti", numbers={4: "la"}),
            "annotator expert: number 4 is la, which c0 does not show; it shows lv, my, rv, ed",
        ),
        (
            annotator(form="nifti", sequence="de"),
            "model scar: its images are c0,de, but labels of expert are for de; take a labeller",
        ),
        (
            entry(0, labellers=["scar", "atria"]),
            "evaluate: labellers of cohort people label different sequences: scar c0, "
            "atria la_4ch, expert c0; make an entry for each",
        ),
        (
            entry(0, labellers=["second"], reference="views"),
            "evaluate: cohort people occurs twice with sequence la_4ch; join the entries",
        ),
        (
            figure(figure="volume_curves"),
            "figure shown: volume_curves shows volumes of short-axis cines, and not c0; for other",
        ),
        (
            figure(figure="overlays", sequence="sa"),
            "figure shown: cohort people has no images sa; its sequences are c0, de, la_4ch",
        ),
        (
            figure(figure="overlays", image="t2"),
            "figure shown: cohort people has no images t2; its sequences are c0, de, la_4ch",
        ),
        (
            figure(figure="viewer", image="de"),
            "figure shown: image is for overlays, not for viewer; leave it out",
        ),
        (
            figure(figure="overlays", sequence="de"),
            "figure shown: `evaluate` gives cohort people no reference",
        ),
        (
            lambda config: config.update(confidence={"cohort": "people", "labeller": "scar"}),
            "confidence: scar gives no volumes of short-axis cines, which are scored",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(study, edit, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(edit)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (("c0,sa", "lv", "expert"), "model scar: sequence 'c0,sa': cines and still images"),
        (("c0,c9", "lv", "expert"), "model scar: sequence 'c0,c9': 'c9' is unknown"),
        (("c0", "lv,aao", "expert"), "model scar: tissues lv,aao; images c0 show lv, my, rv, ed"),
        (("c0", "lv,my", "views"), "its images are c0, but labels of views are for la_4ch"),
    ],
)
def test_a_model_of_other_images_is_refused_by_name(study, model, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(scar=model)


def test_a_view_has_no_subset_of_end_diastole_and_end_systole(make):
    models = table(scar=SCAR, atria=ATRIA).replace("views all", "views esed")
    with pytest.raises(StudyError, match="model atria: subset esed is end-diastole and end-sys"):
        make(widened, models=models)


def test_a_model_of_a_view_needs_no_ventricle(study):
    assert study().model("atria")["tissues"] == "la,ra"


UNET = (
    "{name} {sequence} unet resnet34 8 {tissues} people expert all train {start} unet linear 64 no"
)
UNET += " ce 4 onecycle 0 0 0.001 2 1\n"


def test_an_encoder_takes_one_image_or_three(make):
    two = UNET.format(name="two", sequence="c0,de", tissues="lv,my", start="random")
    with pytest.raises(StudyError, match="model two: sequence c0,de; network unet takes 1 or 3 im"):
        make(widened, models=table(scar=SCAR, atria=ATRIA) + two)


@pytest.mark.parametrize(
    ("first", "later", "sentence"),
    [
        (("c0,de,t2", "lv,my"), ("c0", "lv,my"), "sequence c0, but its start first has c0,de,t2"),
        (("c0", "lv,my"), ("c0", "lv,scar"), "tissues lv,scar, but its start first labels lv,my"),
    ],
)
def test_a_start_has_as_many_channels_and_the_same_tissues(make, first, later, sentence):
    def edit(config):
        widened(config)
        config["cohorts"]["people"]["sequences"].append("t2")

    rows = [
        UNET.format(name=name, sequence=sequence, tissues=tissues, start=start)
        for name, (sequence, tissues), start in (
            ("first", first, "random"),
            ("later", later, "first"),
        )
    ]
    with pytest.raises(StudyError, match=f"model later: {sentence}"):
        make(edit, models=table(scar=SCAR, atria=ATRIA) + "".join(rows))


# -- tasks ----------------------------------------------------------------------------------------


@pytest.fixture
def centres(make, monkeypatch):
    """Build a study with a model that places points, of a task that is there for a test."""
    row = TaskKind("centre", "points", lambda target: len(target.regions), ("distance",))
    monkeypatch.setitem(KINDS, "centre", row)
    monkeypatch.setitem(REGISTRIES, "tasks", ["segment", "centre"])
    monkeypatch.setitem(REGISTRIES, "losses", ["ce", "distance"])
    tables._validator.cache_clear()

    def build(edit=lambda config: None, loss="distance", learns="expert"):
        def both(config):
            widened(config)
            config["predict"] = [{"cohort": "people", "labellers": ["points"]}]
            edit(config)

        head, scar, atria, _ = table(scar=SCAR, atria=ATRIA).split("\n")
        points = FCN.format(tissues="lv", labeller="expert").replace(" ce ", f" {loss} ")
        rows = [
            head.replace(" network", " task network"),
            scar.replace("c0,de", "c0,de segment").replace("people expert", f"people {learns}"),
            atria.replace("la_4ch", "la_4ch segment"),
            f"points c0 centre {points}",
        ]
        return make(both, models="\n".join(rows) + "\n")

    yield build
    tables._validator.cache_clear()


def test_points_are_labels_that_nothing_is_measured_of(centres):
    study = centres()
    assert ("people", "points") in study.predicted()
    assert ("people", "points") not in study.measured()
    assert not study.has_maps("people", "points")
    assert study.writes_points("people", "points")
    assert study.model("points")["task"] == "centre"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"edit": entry(0, labellers=["scar", "points"])},
            "evaluate: points of cohort people gives points, and scar label maps",
        ),
        (
            {"learns": "points"},
            "model scar: its labeller points gives points; task segment learns from label maps",
        ),
        ({"loss": "ce"}, "model points: loss ce; task centre has distance"),
    ],
)
def test_points_where_label_maps_are_needed_are_refused(centres, changes, sentence):
    with pytest.raises(StudyError, match=sentence):
        centres(**changes)
