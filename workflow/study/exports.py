"""Which label maps of a study can be written as the MyoPS challenge takes them."""

from cmrseg.labels import Tissue, tissues_of
from cmrseg.sequences import WALL
from study.study import Study

# Layouts whose images are files that label maps can lie on.
LAYOUTS = ("myops", "nifti")


def exported(study: Study) -> list[tuple[str, str]]:
    """Every (cohort, labeller) that tells of all tissues of the challenge."""
    spread = study.for_spread()
    return [
        (cohort, labeller)
        for cohort, labeller in study.labelled()
        if (cohort, labeller) not in spread
        and study.cohorts[cohort]["layout"] in LAYOUTS
        and study.has_maps(cohort, labeller)
        and set(WALL) <= set(_tissues(study, cohort, labeller))
    ]


def _tissues(study: Study, cohort: str, labeller: str) -> tuple[Tissue, ...]:
    """The tissues that a labeller may tell of: of an annotator those of the sequence."""
    if study.is_model(labeller):
        return tissues_of(study.model(labeller)["tissues"])
    shown: tuple[Tissue, ...] = study.sequence_of(cohort, labeller).tissues
    return shown
