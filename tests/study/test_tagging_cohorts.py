"""Studies of tagged cines and points: what they give, and what is refused by name."""

from types import SimpleNamespace

import pytest

from small_study import small_study
from study.tables import StudyError
from study.wiring.cohorts import Cohorts
from study.wiring.raw import Raw

make = pytest.fixture(small_study)
HEAD = "model recipe cohort labeller start\n"


@pytest.fixture
def study(make):
    """Build a study of a cohort in the layout tagging; series: of its three subjects."""

    def build(change=lambda config: None, series=("0,1", "2", "3,4"), models=HEAD, file="trial"):
        def edit(config):
            cohort = config["cohorts"]["people"]
            cohort.update(layout="tagging", sequences=["tag"], annotators={"truth": "tagging"})
            config.pop("confidence")
            config.update(figures={}, evaluate=[])
            change(config)

        splits = ("train", "validate", "test")
        rows = [f"{i + 1}\t{split}\t{file or i}\t{series[i]}\n" for i, split in enumerate(splits)]
        subjects = "subject\tsplit\tstudy\tseries\n" + "".join(rows)
        return make(edit, subjects=subjects, models=models)

    return build


def people(**changed):
    return lambda config: config["cohorts"]["people"].update(changed)


def test_a_cohort_of_tagged_cines_alone_has_points_and_no_volumes(study):
    found = study()
    assert found.labelled() == [("people", "truth")]
    assert found.measured() == []
    assert found.writes_points("people", "truth")
    assert not found.has_maps("people", "truth")
    assert found.sequence_of("people", "truth").key == "tag"


def test_a_file_has_subjects_of_several_splits_who_are_patients_of_their_own(study):
    found = study()
    assert found.import_rows("people", "0000") == [
        {
            **{"subject": subject, "study": "trial", "series": series, "set": ""},
            # Nothing is known of these but that they are those of UK Biobank, about.
            **{"spacing_mm": None, "slice_distance_mm": 20.0, "frame_interval_ms": 41.0},
        }
        for subject, series in (("1", "0,1"), ("2", "2"))
    ]
    assert found.subjects["people"]["patient"].tolist() == ["1", "2", "3"]
    assert [row["annotation"] for row in found.annotation_rows("people")] == ["1", "2", "3"]


def test_grid_values_of_a_cohort_replace_the_usual_ones(study):
    rows = study(people(slice_distance_mm=12, frame_interval_ms=30)).import_rows("people")
    assert {row["slice_distance_mm"] for row in rows} == {12.0}
    assert {row["frame_interval_ms"] for row in rows} == {30.0}


def test_tables_of_points_lie_in_a_folder_of_their_annotator(study):
    found = study(people(annotators={"truth": "tagging", "second": "points"}))
    assert found.annotator("people", "truth")["folder"] == "."
    assert found.annotator("people", "second")["folder"] == "annotations/second"
    assert found.writes_points("people", "second")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (people(sequences=["sa"]), r"layout tagging only has tag: write sequences: \[tag\]"),
        (people(sequences=["sa", "tag"]), "sequences sa, tag; layout tagging only has tag: write"),
        (people(annotators={"a": "hdf5"}), "annotator a has hdf5, layout tagging has tagging or p"),
        (people(propagated={"carried": "truth"}), "propagated carried: truth gives points"),
        (people(annotators={"a": {"form": "points", "numbers": {1: "lv"}}}), "a has numbers"),
        (people(annotators={"a": {"form": "points", "first_pixel": 1}}), "a has first_pixel"),
    ],
)
def test_a_study_that_does_not_fit_is_refused_by_name(study, change, told):
    with pytest.raises(StudyError, match=told):
        study(change)


def test_label_maps_are_not_learnt_from_points(study):
    head = "model recipe cohort labeller start sequence tissues\n"
    models = f"{head}fcn fcn_bai people truth random tag lv,my\n"
    with pytest.raises(StudyError, match="fcn: its labeller truth gives points; task segment"):
        study(models=models)


@pytest.mark.parametrize(
    ("series", "told"),
    [
        (("0", "0,1", "2"), "subject 2: row 0 of file trial is also of subject 1"),
        (("0", "1,1", "2"), "subject 2: row 1 of file trial is also of subject 2"),
        (("base", "1", "2"), "subject 1 has series 'base', expected rows of its file"),
        (("0, 1", "1", "2"), "subject 1 has series '0, 1', expected rows"),
    ],
)
def test_rows_of_a_file_belong_to_one_subject(study, series, told):
    with pytest.raises(StudyError, match=told):
        study(series=series)


def test_a_folder_of_dicom_has_a_short_axis_or_tags(study):
    def folder(**changed):
        return people(**{"layout": "folder", "annotators": {}, **changed})

    assert study(folder(), series=("", "", ""), file="").sequences("people") == ["tag"]
    for change, told in (
        (folder(sequences=["sa", "tag"]), "layout folder only has sa or tag: write sequences"),
        (folder(sequences=["ao"]), "layout folder only has sa or tag: write sequences"),
        (folder(cleaning={"mode": "compat"}), "sequences tag of layout folder need cleaning"),
        (folder(annotators={"a": "qmass"}), "a labels tag, and has qmass; such contours are"),
    ):
        with pytest.raises(StudyError, match=told):
            study(change, series=("", "", ""), file="")


def test_the_import_of_a_folder_is_told_of_tags_alone(study):
    def of_import(sequence):
        change = people(layout="folder", annotators={}, sequences=[sequence])
        found = study(change, series=("", "", ""), file="")
        return Raw(found, Cohorts(found), []).import_settings(SimpleNamespace(cohort="people"))

    assert of_import("tag")["sequence"] == "tag"
    assert "sequence" not in of_import("sa")


def test_points_are_of_tagged_cines(study):
    change = people(layout="nifti", sequences=["sa", "tag"], annotators={"truth": "points"})
    with pytest.raises(StudyError, match="annotator truth labels sa, and has points; landmarks"):
        study(change)


def test_numbers_of_a_grid_are_for_layouts_without_them(study):
    change = people(layout="nifti", annotators={}, frame_interval_ms=30)
    with pytest.raises(StudyError, match="frame_interval_ms is for the layouts hdf5 and tagging"):
        study(change)
