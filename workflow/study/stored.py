"""Cohorts whose pictures may be turned away from how a published network knows them."""

from pathlib import Path

from cmrseg.sequences import USUAL
from study.given import CATALOGUE, CONVERTED
from study.study import Study
from study.tables import own_file, read_yaml

# Networks that learnt from pictures as UK Biobank's converter stores them, wide ones too.
SOURCE = "ukbb_weights"


def turned_pictures(study: Study) -> list[str]:
    """A warning for each cohort of NIfTI cines that one of these networks labels.

    Import in mode `corrected` turns wide short-axis pictures by a quarter; training turned pictures
    by at most 30 degrees.
    """
    networks = {name for name in study.given if _knows_stored_pictures(study, name)}
    warnings = []
    for cohort in study.cohorts_with("nifti"):
        labellers = [who for of, who in study.labelled() if of == cohort and who in networks]
        if labellers and study.cohorts[cohort]["cleaning"]["mode"] == "corrected":
            warnings.append(
                f"cohort {cohort}: short-axis pictures wider than high are turned by 90 degrees, "
                f"and {', '.join(labellers)} learnt from pictures that are not. If these are files "
                "of UK Biobank's converter, say cleaning: {mode: compat}; audit.tsv names the "
                "subjects (rows < columns)"
            )
    return warnings


def _knows_stored_pictures(study: Study, name: str) -> bool:
    """Whether a given model is converted from such a network, of the short axis."""
    folder = Path(study.given[name]["folder"])
    if folder.parent != Path(CONVERTED):
        return False
    entry = read_yaml(own_file(CATALOGUE)).get(folder.name, {})
    return entry.get("source") == SOURCE and study.given[name]["sequence"] == USUAL
