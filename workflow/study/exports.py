"""Which label maps of a study can be written in which form for other programs."""

from collections.abc import Iterator

from cmrseg.labels import Target, Tissue, tissues_of
from cmrseg.nets.kinds import KINDS
from cmrseg.sequences import ATRIA, USUAL, WALL
from cmrseg.tasks.kinds import kind_of
from study.study import DICOM, Study

# Layouts whose images are files that label maps of the MyoPS challenge can lie on.
LAYOUTS = ("myops", "nifti")
# Forms whose files are in `export/<labeller>.<form>/`; those of DICOM_FORMS need DICOM images.
FORMS = ("dicom", "cvi42", "bids")
DICOM_FORMS = ("dicom", "cvi42")


def exported(study: Study) -> list[tuple[str, str]]:
    """Every (cohort, labeller) that tells of all tissues of the MyoPS challenge."""
    spread = study.for_spread()
    return [
        (cohort, labeller)
        for cohort, labeller in study.labelled()
        if (cohort, labeller) not in spread
        and study.cohorts[cohort]["layout"] in LAYOUTS
        and study.has_maps(cohort, labeller)
        and set(WALL) <= set(_tissues(study, cohort, labeller))
    ]


def exported_as(study: Study, form: str) -> list[tuple[str, str]]:
    """Every (cohort, labeller) whose measured label maps can be written in a form of FORMS."""
    return [
        (cohort, labeller)
        for cohort, labeller in study.measured()
        if (form not in DICOM_FORMS or _is_dicom(study, cohort))
        and (form != "cvi42" or _has_contours(study, cohort, labeller))
    ]


def bundled(study: Study) -> list[str]:
    """The trained models that can be MONAI bundles, as `export.monai.unfit` tells."""
    return [
        name
        for name, row in study.models.items()
        if kind_of(row).writes == "label map"
        and KINDS[row["network"]].window == 1
        and study.model(name).get("views", 1) == 1
        and not Target.of_settings(row).sigmoid
    ]


def export_folders(study: Study) -> Iterator[str]:
    """Folders of all exports of a study's label maps and models, below its results."""
    for cohort, labeller in exported(study):
        yield f"cohorts/{cohort}/export/{labeller}"
    for form in FORMS:
        for cohort, labeller in exported_as(study, form):
            yield f"cohorts/{cohort}/export/{labeller}.{form}"
    yield from (f"models/{model}.monai" for model in bundled(study))


def _is_dicom(study: Study, cohort: str) -> bool:
    """Whether the import keeps where each voxel of a cohort's images comes from."""
    about = study.cohorts[cohort]
    if about["layout"] == "ukbb_dicom":
        # The published conversion moves slices in ways that it does not tell.
        return bool(about["cleaning"]["mode"] == "corrected")
    return about["layout"] in DICOM


def _has_contours(study: Study, cohort: str, labeller: str) -> bool:
    """Whether cvi42 has names for contours of the labeller's tissues."""
    if study.sequence_of(cohort, labeller).key == USUAL:
        return True
    return bool(set(ATRIA) & set(_tissues(study, cohort, labeller)))


def _tissues(study: Study, cohort: str, labeller: str) -> tuple[Tissue, ...]:
    """The tissues that a labeller may tell of: of an annotator those of the sequence."""
    if study.is_model(labeller):
        return tissues_of(study.model(labeller)["tissues"])
    shown: tuple[Tissue, ...] = study.sequence_of(cohort, labeller).tissues
    return shown
