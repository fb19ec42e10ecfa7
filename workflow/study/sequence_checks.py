"""Checks of a cohort's sequences before any job starts; errors name the cohort."""

from typing import Any

from cmrseg.annotations.point_forms import POINT_FORMS
from cmrseg.labels import SHORT_NAMES
from cmrseg.layouts.myops_files import ENDINGS as MYOPS
from cmrseg.layouts.ukbb_bulk import SEQUENCES as UKBB
from cmrseg.sequences import SEQUENCES, USUAL
from study.study import Study
from study.tables import StudyError

# Layouts that may contain several images of a subject.
SEQUENCED = ("nifti", "ukbb", "ukbb_dicom", "myops")
# Layouts of one sequence, which is one of these; all others but those above have the short axis.
ALONE = {"tagging": ("tag",), "folder": (USUAL, "tag")}
# The sequence in which points are landmarks.
WITH_POINTS = "tag"
# Layouts in which the digital heart's expert draws all frames of a cine, or two.
DRAWN = ("nifti", "ukbb_dicom")
# Sequences in which cvi42 workspaces have contours, and in which the digital heart's do.
CONTOURED = ("sa", "la_2ch", "la_3ch", "la_4ch")
PHANTOM_CONTOURED = ("sa", "la_2ch", "la_4ch")
# Its tagged cines have all frames of a beat.
TAG = "tag"
# Forms with contours of the short axis alone.
OF_SHORT_AXES = ("qmass", "text")
# What the digital heart's scanner makes beside the short axis.
VIEWS = ("la_2ch", "la_3ch", "la_4ch", "ao", TAG)
# What it makes in layout myops.
STILLS = ("c0", "de", "t2")


def check_sequences_of(study: Study, name: str) -> None:
    """Several images of a subject are only possible in some layouts."""
    sequences, cohort = study.sequences(name), study.cohorts[name]
    if alone := ALONE.get(cohort["layout"]):
        if len(sequences) > 1 or sequences[0] not in alone:
            raise StudyError(
                f"cohort {name}: sequences {', '.join(sequences)}; layout {cohort['layout']} only "
                f"has {' or '.join(alone)}: write sequences: [{alone[-1]}]"
            )
        if cohort["layout"] == "folder" and sequences != [USUAL]:
            _check_tagged_folder(name, cohort)
    elif sequences != [USUAL]:
        if cohort["layout"] not in SEQUENCED:
            raise StudyError(
                f"cohort {name}: sequences {', '.join(sequences)}; layout {cohort['layout']} only "
                f"has {USUAL}; {', '.join(SEQUENCED)} have others"
            )
        made = STILLS if cohort["layout"] == "myops" else (USUAL, *VIEWS)
        if "phantom" in cohort and (others := set(sequences) - set(made)):
            raise StudyError(
                f"cohort {name}: sequences {', '.join(sequences)}; the phantom writes "
                f"{', '.join(made)}, not {', '.join(sorted(others))}"
            )
        if cohort["layout"] == "ukbb_dicom" and (absent := sorted(set(sequences) - set(UKBB))):
            raise StudyError(
                f"cohort {name}: layout ukbb_dicom has no {', '.join(absent)}; it has "
                + ", ".join(UKBB)
            )
        if cohort["layout"] == "ukbb" and (stills := _stills(sequences)):
            raise StudyError(
                f"cohort {name}: layout ukbb has end-diastole and end-systole of cines; "
                f"{', '.join(stills)} are still images"
            )
    if cohort["layout"] == "myops" and (foreign := [key for key in sequences if key not in MYOPS]):
        raise StudyError(
            f"cohort {name}: layout myops has {', '.join(MYOPS)}, not {', '.join(foreign)}; name "
            "some of these in `sequences`"
        )
    if "phantom" in cohort:
        _check_views(name, cohort, sequences)
    if "contoured_by" in cohort["cleaning"]:
        _check_contoured(study, name)
    for annotator in cohort["annotators"]:
        about = study.annotator(name, annotator)
        where, sequence = f"cohort {name}: annotator {annotator}", about["sequence"]
        if sequence not in sequences:
            raise StudyError(
                f"{where} labels {sequence}; the cohort's sequences are {', '.join(sequences)}"
            )
        if about["form"] in POINT_FORMS and sequence != WITH_POINTS:
            raise StudyError(
                f"{where} labels {sequence}, and has {about['form']}; landmarks are known of "
                f"{WITH_POINTS}: write its sequence"
            )
        if about["form"] in OF_SHORT_AXES and sequence != USUAL:
            raise StudyError(
                f"{where} labels {sequence}, and has {about['form']}; such contours are known of "
                f"{USUAL}"
            )
        contoured = PHANTOM_CONTOURED if "phantom" in cohort else CONTOURED
        if about["form"] == "cvi42" and sequence not in contoured:
            raise StudyError(
                f"{where} labels {sequence}, and has cvi42; contours are known of "
                f"{', '.join(contoured)}"
            )
        shown = SEQUENCES[sequence].tissues
        for number, tissue in about.get("numbers", {}).items():
            if tissue and tissue not in shown:
                raise StudyError(
                    f"{where}: number {number} is {SHORT_NAMES[tissue]}, which {sequence} does not "
                    f"show; it shows {', '.join(SHORT_NAMES[t] for t in shown)}"
                )


def _check_tagged_folder(name: str, cohort: dict[str, Any]) -> None:
    """Tagged series are only chosen among others in mode corrected, and no phantom has some."""
    if cohort["cleaning"]["mode"] != "corrected":
        raise StudyError(
            f"cohort {name}: sequences {WITH_POINTS} of layout folder need cleaning: {{mode: "
            "corrected}"
        )
    if "phantom" in cohort:
        raise StudyError(
            f"cohort {name}: the phantom writes no {WITH_POINTS} in layout folder; use layout nifti"
        )


def _check_contoured(study: Study, name: str) -> None:
    """Only UK Biobank's import chooses among repeated series by contours of cvi42."""
    cohort = study.cohorts[name]
    annotator = cohort["cleaning"]["contoured_by"]
    if cohort["layout"] != "ukbb_dicom":
        raise StudyError(
            f"cohort {name}: cleaning.contoured_by is for the layout ukbb_dicom, not "
            f"{cohort['layout']}"
        )
    drawn = [a for a in cohort["annotators"] if study.annotator(name, a)["form"] == "cvi42"]
    if annotator not in drawn:
        raise StudyError(
            f"cohort {name}: cleaning.contoured_by is {annotator!r}, expected an annotator of the "
            f"cohort with the form cvi42; there {'are ' + ', '.join(drawn) if drawn else 'is none'}"
        )


def _check_views(name: str, cohort: dict[str, Any], sequences: list[str]) -> None:
    """Settings of views that a phantom's cohort does not have would have no effect."""
    phantom, layout = cohort["phantom"], cohort["layout"]
    for view in phantom.get("views", {}):
        if view not in sequences:
            raise StudyError(
                f"cohort {name}: phantom.views has {view}; the cohort's sequences are "
                f"{', '.join(sequences)}"
            )
    if "views" in phantom and layout == "tagging":
        raise StudyError(
            f"cohort {name}: phantom.views has no effect in layout tagging, whose slices have the "
            "rows, columns, spacing_mm and thickness_mm of the phantom; remove it"
        )
    if TAG in sequences and layout == "ukbb":
        raise StudyError(
            f"cohort {name}: layout ukbb has end-diastole and end-systole alone; the phantom "
            f"writes {TAG} in the layouts nifti and ukbb_dicom, whose cines have all frames"
        )
    if "tagging" in phantom and TAG not in sequences:
        raise StudyError(
            f"cohort {name}: phantom.tagging is for the sequence {TAG}; the cohort's sequences are "
            f"{', '.join(sequences)}"
        )
    if "labelled" in phantom and layout not in DRAWN:
        raise StudyError(
            f"cohort {name}: phantom.labelled is for the layouts {' and '.join(DRAWN)}, not "
            f"{layout}"
        )


def _stills(sequences: list[str]) -> list[str]:
    return [key for key in sequences if not SEQUENCES[key].is_cine]
