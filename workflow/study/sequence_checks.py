"""What the sequences of a cohort must not be: checked before any job starts, refused by name."""

from cmrseg.labels import SHORT_NAMES
from cmrseg.layouts.ukbb_bulk import SEQUENCES as UKBB
from cmrseg.sequences import SEQUENCES, USUAL
from study.study import Study
from study.tables import StudyError

# Layouts that may hold several images of a subject.
SEQUENCED = ("nifti", "ukbb", "ukbb_dicom")


def check_sequences_of(study: Study, name: str) -> None:
    """Several images of a subject are for layouts that have a place for them."""
    sequences, cohort = study.sequences(name), study.cohorts[name]
    if sequences != [USUAL]:
        if cohort["layout"] not in SEQUENCED:
            raise StudyError(
                f"cohort {name}: sequences {', '.join(sequences)}; layout {cohort['layout']} holds "
                f"{USUAL} alone, {', '.join(SEQUENCED)} hold others"
            )
        if "phantom" in cohort:
            raise StudyError(
                f"cohort {name}: sequences {', '.join(sequences)}; the phantom writes {USUAL} alone"
            )
        if cohort["layout"] == "ukbb_dicom" and (others := sorted(set(sequences) - set(UKBB))):
            raise StudyError(
                f"cohort {name}: layout ukbb_dicom has no {', '.join(others)}; it has "
                + ", ".join(UKBB)
            )
        if cohort["layout"] == "ukbb" and (stills := _stills(sequences)):
            raise StudyError(
                f"cohort {name}: layout ukbb has end-diastole and end-systole of cines; "
                f"{', '.join(stills)} are still images"
            )
    for annotator in cohort["annotators"]:
        about = study.annotator(name, annotator)
        where, sequence = f"cohort {name}: annotator {annotator}", about["sequence"]
        if sequence not in sequences:
            raise StudyError(
                f"{where} labels {sequence}; the cohort's sequences are {', '.join(sequences)}"
            )
        shown = SEQUENCES[sequence].tissues
        for number, tissue in about.get("numbers", {}).items():
            if tissue and tissue not in shown:
                raise StudyError(
                    f"{where}: number {number} is {SHORT_NAMES[tissue]}, which {sequence} does not "
                    f"show; it shows {', '.join(SHORT_NAMES[t] for t in shown)}"
                )


def _stills(sequences: list[str]) -> list[str]:
    return [key for key in sequences if not SEQUENCES[key].is_cine]
