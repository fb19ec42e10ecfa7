"""What figures of panels need of a study."""

import pytest

from small_study import small_study
from study.tables import StudyError

make = pytest.fixture(small_study)

EYES = {"figure": "bulls_eye", "cohort": "people", "panels": ["experts", "nets"], "columns": ["wt"]}
CURVES = {"figure": "measure_curves", "cohort": "people", "panels": ["nets"], "measure": "strain"}
AGREEMENT = EYES | {"figure": "measure_agreement", "columns": ["edv_ml", "wt_1_mm"]}


def with_figure(entry):
    def edit(config):
        people = config["cohorts"]["people"]
        config["cohorts"]["others"] = people | {"annotators": {"truth": "masks"}}
        config["panels"] = {
            "experts": {"cohort": "people", "labellers": ["truth"], "measures": ["wall_thickness"]},
            "nets": {"cohort": "people", "labellers": ["fcn"]},
            "elsewhere": {"cohort": "others", "labellers": ["truth"]},
        }
        config["figures"] = {"wanted": entry}

    return edit


def lacking(entry, key):
    return {name: value for name, value in entry.items() if name != key}


@pytest.mark.parametrize(
    "entry",
    [EYES, CURVES, AGREEMENT, AGREEMENT | {"columns": ["mass_g_per_m2"], "splits": ["train"]}],
)
def test_figures_of_panels_that_fit_are_drawn(make, entry):
    assert make(with_figure(entry)).data_figures == ["wanted"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (lacking(EYES, "panels"), "bulls_eye needs panels and columns; panels is missing"),
        (lacking(EYES, "columns"), "bulls_eye needs panels and columns; columns is missing"),
        (lacking(CURVES, "measure"), "measure_curves needs panels and measure; measure is missing"),
        (EYES | {"measure": "strain"}, "bulls_eye shows panels and columns, and no measure"),
        (CURVES | {"columns": ["wt"]}, "measure_curves shows panels and measure, and no columns"),
        (EYES | {"labellers": ["fcn"]}, "bulls_eye shows panels and columns, and no labellers"),
        (EYES | {"sequence": "sa"}, "bulls_eye shows panels and columns, and no sequence"),
        (
            EYES | {"panels": ["network"]},
            "no panel 'network'; the figure is of cohort people, its panels are experts, nets",
        ),
        (
            EYES | {"panels": ["elsewhere"]},
            "panel elsewhere is of cohort others, and the figure of people; its panels are experts",
        ),
        (
            CURVES | {"measure": "atria"},
            r"measure_curves needs atria \(atrial volumes\), which panel nets does not measure",
        ),
        (
            CURVES | {"panels": ["nets", "experts"]},
            r"measure_curves needs strain \(strain by registration\), which panel experts does not",
        ),
        (
            EYES | {"columns": ["wt", "ecc"]},
            r"ecc needs strain \(strain by registration\), which panel experts does not measure",
        ),
        (
            EYES | {"columns": ["wt_1_mm"]},
            "'wt_1_mm' is no measure by segment; there are wt, wt_ma",
        ),
        (AGREEMENT | {"panels": ["nets"]}, "compares panels, and nets is one; name two"),
        (AGREEMENT | {"columns": ["lav_mxa_ml"]}, "no table of phenotypes has a column 'lav_mxa_"),
        (AGREEMENT | {"columns": ["ef_per_m2"]}, "no table of phenotypes has a column 'ef_per_m2'"),
        (
            AGREEMENT | {"columns": ["biplane_edv_ml"]},
            r"biplane_edv_ml needs biplane \(biplane volumes\), which panel \w+ does not measure",
        ),
        (
            AGREEMENT | {"columns": ["lav_max_ml"]},
            r"lav_max_ml needs atria \(atrial volumes\), which panel experts does not measure",
        ),
        (
            AGREEMENT | {"columns": ["aao_min_mm2"]},
            r"aao_min_mm2 needs aorta \(aortic areas and distensibility\), which panel experts",
        ),
        (AGREEMENT | {"splits": ["test"]}, "people has no subject in test; its splits are train"),
        (
            {"figure": "ef_error", "cohort": "people", "panels": ["nets"]},
            "panels is for bulls_eye, measure_curves, measure_agreement, strain_curves, strain_con",
        ),
        (
            {"figure": "overlays", "cohort": "people", "splits": ["train"]},
            "splits are for volume_agreement, ef_error, bulls_eye, measure_curves, measure_agreeme",
        ),
    ],
)
def test_figures_of_panels_that_do_not_fit_are_refused_by_name(make, entry, sentence):
    with pytest.raises(StudyError, match=f"figure wanted: .*{sentence}"):
        make(with_figure(entry))


def test_ventricles_of_a_panel_without_short_axis_are_refused(make):
    def edit(config):
        people = config["cohorts"]["people"]
        people |= {"layout": "nifti", "sequences": ["sa", "la_4ch"]}
        people["annotators"] = {
            "truth": "nifti",
            "views": {"form": "nifti", "sequence": "la_4ch"},
        }
        panels = {"long": {"labellers": ["views"]}, "all": {"labellers": ["truth", "views"]}}
        config["panels"] = {name: {"cohort": "people", **about} for name, about in panels.items()}
        entry = AGREEMENT | {"panels": ["all", "long"], "columns": ["rv_edv_ml"]}
        config["figures"] = {"wanted": entry}

    with pytest.raises(
        StudyError, match="rv_edv_ml needs labels of the short axis; panel long labels la_4ch"
    ):
        make(edit)
