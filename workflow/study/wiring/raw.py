"""Raw files: where they are, and the inputs and params of the rules that read them."""

from collections.abc import Collection
from typing import Any

from snakemake.io import ancient

from cmrseg.sequences import USUAL
from study.raw_state import image_state, label_state, on_disk, table_state
from study.study import Study
from study.wiring.cohorts import Cohorts
from study.wiring.wildcards import Wildcards

# Settings of an annotator that the import of the labels depends on.
ANNOTATION = ("form", "folder", "sequence", "numbers", "first_pixel")


class Raw:
    """Raw files of the cohorts of a study. sources: names of the sources that can be downloaded."""

    def __init__(self, study: Study, cohorts: Cohorts, sources: Collection[str]):
        self.study, self.cohorts, self.sources = study, cohorts, sources

    # -- images ------------------------------------------------------------------------------

    def folder(self, wildcards: Wildcards) -> str:
        """The folder of raw files that holds a shard's subjects."""
        return watched(self._pattern(wildcards.cohort), self._edited(wildcards.cohort))

    def folders(self, cohort: str) -> list[str]:
        """The raw files of all shards; those of a cohort on disk are in one folder."""
        found = dict.fromkeys(self.cohorts.shards_of(self._pattern(cohort), cohort))
        return [watched(folder, self._edited(cohort)) for folder in found]

    def phantom(self, wildcards: Wildcards) -> dict[str, Any]:
        """Settings of the digital heart's scanner, with the sequences if it is not only sa."""
        settings: dict[str, Any] = self.study.cohorts[wildcards.cohort]["phantom"]
        sequences = self.sequences(wildcards)
        return settings if sequences == [USUAL] else {**settings, "sequences": sequences}

    def import_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        cohort = self.study.cohorts[wildcards.cohort]
        found = {"layout": cohort["layout"], **cohort["cleaning"]}
        sequences = self.sequences(wildcards)
        # Of other layouts a param of its own has them.
        named = cohort["layout"] == "folder" and sequences != [USUAL]
        return found | ({"sequence": sequences[0]} if named else {})

    def layout(self, wildcards: Wildcards) -> str:
        layout: str = self.study.cohorts[wildcards.cohort]["layout"]
        return layout

    def mode(self, wildcards: Wildcards) -> str:
        """Whether NIfTI cines are reoriented (corrected) or kept as stored (compat)."""
        mode: str = self.study.cohorts[wildcards.cohort]["cleaning"]["mode"]
        return mode

    def sequences(self, wildcards: Wildcards) -> list[str]:
        return self.study.sequences(wildcards.cohort)

    def state(self, wildcards: Wildcards) -> dict[str, str]:
        """The state of the raw images of each subject of a shard, which changes with an edit."""
        raw = self._edited(wildcards.cohort)
        if not raw:
            return {}
        layout, sequences = self.layout(wildcards), self.sequences(wildcards)
        rows = self.cohorts.shard_import_rows(wildcards)
        return {row["subject"]: image_state(layout, raw, row, sequences) for row in rows}

    def contour_state(self, wildcards: Wildcards) -> dict[str, str]:
        """The state of the contours of each subject of a shard that tell which series counts."""
        name = self._contoured_by(wildcards.cohort)
        return self._label_state(wildcards, name) if name else {}

    def contours(self, wildcards: Wildcards) -> list[str]:
        """The raw data with the contours that tell which of repeated series counts."""
        name = self._contoured_by(wildcards.cohort)
        if not name:
            return []
        cohort = wildcards.cohort
        return [watched(self._annotation_raw(cohort, name), self._edited_labels(cohort, name))]

    def contour_folder(self, wildcards: Wildcards) -> str:
        """The folder of the workspaces in these data."""
        name = self._contoured_by(wildcards.cohort)
        folder: str = self.study.annotator(wildcards.cohort, name)["folder"] if name else ""
        return folder

    def _contoured_by(self, cohort: str) -> str:
        name: str = self.study.cohorts[cohort]["cleaning"].get("contoured_by", "")
        return name

    def _pattern(self, cohort: str) -> str:
        raw: str | None = self.study.cohorts[cohort].get("raw")
        return "results/{study}/phantom/{cohort}/{shard}" if raw is None else raw

    def _edited(self, cohort: str) -> str:
        """The folder of a cohort's raw files if users may edit them, else empty."""
        return on_disk(self.study.cohorts[cohort].get("raw", ""), self.sources)

    # -- annotations -------------------------------------------------------------------------

    def annotation(self, wildcards: Wildcards) -> str:
        """The raw data with an annotator's labels, usually those of the cohort."""
        return watched(
            self._annotation_raw(wildcards.cohort, wildcards.labeller),
            self._edited_labels(wildcards.cohort, wildcards.labeller),
        )

    def annotations(self, wildcards: Wildcards) -> list[str]:
        """The raw data of all shards with an annotator's labels, without repetition."""
        pattern = self._annotation_raw(wildcards.cohort, wildcards.labeller)
        if pattern == self._pattern(wildcards.cohort) and "{shard}" in pattern:
            return self.cohorts.shards_of(pattern, wildcards.cohort)
        return [watched(pattern, self._edited_labels(wildcards.cohort, wildcards.labeller))]

    def annotation_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        about = self.study.annotator(wildcards.cohort, wildcards.labeller)
        known = {key: about[key] for key in ANNOTATION if key in about}
        return {"layout": self.layout(wildcards), **known}

    def annotation_state(self, wildcards: Wildcards) -> dict[str, str]:
        """The state of an annotator's labels of each subject of a shard."""
        return self._label_state(wildcards, wildcards.labeller)

    def _label_state(self, wildcards: Wildcards, annotator: str) -> dict[str, str]:
        raw = self._edited_labels(wildcards.cohort, annotator)
        if not raw:
            return {}
        about, layout = self.study.annotator(wildcards.cohort, annotator), self.layout(wildcards)
        form, sequence = about["form"], about["sequence"]
        folder = f"{raw}/{about['folder']}"
        rows = self.cohorts.shard_annotation_rows(wildcards)
        return {row["subject"]: label_state(layout, form, folder, row, sequence) for row in rows}

    def _annotation_raw(self, cohort: str, annotator: str) -> str:
        own: str = self.study.annotator(cohort, annotator)["raw"]
        return own or self._pattern(cohort)

    def _edited_labels(self, cohort: str, annotator: str) -> str:
        """The folder of an annotator's labels if users may edit them, else empty."""
        own: str = self.study.annotator(cohort, annotator)["raw"]
        return on_disk(own, self.sources) if own else self._edited(cohort)

    # -- known volumes -----------------------------------------------------------------------

    def known(self, wildcards: Wildcards) -> list[str]:
        """The raw data if they contain the known volumes, else empty."""
        if self.study.cohorts[wildcards.cohort]["known_volumes"] == "table":
            return []
        return self.folders(wildcards.cohort)

    def known_state(self, wildcards: Wildcards) -> str:
        """The state of the tables of known volumes in the raw data."""
        return table_state(self._edited(wildcards.cohort)) if self.known(wildcards) else ""


def watched(raw: str, edited: str) -> str:
    """Raw files as an input; if users may edit them, a param has the state of each subject's files.

    The time stamp of a folder changes with a new subject, but not with a file in a subfolder.
    """
    found: str = ancient(raw) if edited else raw
    return found
