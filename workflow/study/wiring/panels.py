"""What rules ask of panels: label maps and images of a shard, rows, tables of all shards."""

from collections.abc import Iterable
from typing import Any

from cmrseg.measure.by_sequence import has_phases
from study.code import code_of
from study.panels import panel, panel_measures, readers, tracked
from study.study import Study
from study.subjects import INSERTION
from study.wiring.cohorts import HERE, IMAGES, LABELS, Cohorts, Rows
from study.wiring.wildcards import Wildcards

MEASURED = f"{HERE}/measures/{{measure}}/{{panel}}"
# Columns of a subject table that measures are indexed by, or made with.
ABOUT = ("sex", "age_y", "height_cm", "weight_kg", "pulse_pressure_mmhg", *INSERTION)


class Panels:
    """Panels of a study, by their name as the wildcard `panel`."""

    def __init__(self, study: Study, cohorts: Cohorts):
        self.study, self.cohorts = study, cohorts

    @property
    def names(self) -> list[str]:
        return list(self.study.config["panels"])

    def cohort_of(self, name: str) -> str:
        cohort: str = panel(self.study, name)["cohort"]
        return cohort

    @property
    def shown(self) -> list[str]:
        """The cohorts that have a panel."""
        return sorted({self.cohort_of(name) for name in self.names})

    def inputs(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """Folders of label maps and images of a shard, in the order of `views`."""
        names = {"study": self.study.name, "cohort": wildcards.cohort, "shard": wildcards.shard}
        read = readers(self.study, wildcards.panel, wildcards.measure)
        labellers = dict.fromkeys(who for _, who in read if who)
        images = any(need.image for need, _ in read)
        return {
            "labels": [LABELS.format(labeller=labeller, **names) for labeller in labellers],
            "images": [IMAGES.format(**names)] if images else [],
        }

    def settings(self, wildcards: Wildcards) -> dict[str, Any]:
        """What a measure reads of which input, and how it measures."""
        read = readers(self.study, wildcards.panel, wildcards.measure)
        labellers = list(dict.fromkeys(who for _, who in read if who))
        views = []
        for need, who in read:
            number = labellers.index(who) if who else None
            view = {"sequence": need.sequence, "labels": number, "image": need.image}
            if need.points:
                # Measures of label maps do not depend on how points are read.
                view |= {"labels": None, "points": number}
            views.append(view | {"tissues": self._tissues(who)})
        return {"views": views, "mode": panel(self.study, wildcards.panel)["mode"]}

    def _tissues(self, labeller: str) -> str:
        """Those of a model; an annotator's labels, or no labels, tell of all."""
        if not self.study.is_model(labeller):
            return ""
        tissues: str = self.study.model(labeller)["tissues"]
        return tissues

    def rows(self, wildcards: Wildcards) -> Rows:
        """Subject, split, and what measures take from the subject table, of a shard."""
        return _chosen(self.study.rows(wildcards.cohort, wildcards.shard), ABOUT)

    def code(self, wildcards: Wildcards) -> list[str]:
        return code_of(f"measures/{wildcards.measure}.py")

    # -- landmarks ---------------------------------------------------------------------------

    @property
    def exported(self) -> list[tuple[str, str]]:
        """Every (cohort, labeller) whose landmarks can be exported."""
        return tracked(self.study)

    def exports(self) -> list[str]:
        """Landmarks of models with their strain, in the published form."""
        top = f"results/{self.study.name}/cohorts"
        return [
            f"{top}/{cohort}/export/{name}.result.h5"
            for cohort, name in self.exported
            if self.study.is_model(name)
        ]

    def boxes(self, wildcards: Wildcards) -> list[str]:
        """The shards of boxes in which a model places landmarks, none of an annotator."""
        coarse = self.study.coarse(wildcards.labeller)
        return self.cohorts.labels_of(wildcards.cohort, coarse) if coarse else []

    # -- tables of a cohort ------------------------------------------------------------------

    def shards(self, wildcards: Wildcards) -> list[str]:
        return self._shards(wildcards, ".tsv")

    def details(self, wildcards: Wildcards) -> list[str]:
        return self._shards(wildcards, ".details.tsv")

    def _shards(self, wildcards: Wildcards, suffix: str) -> list[str]:
        pattern = f"{MEASURED}/{{shard}}{suffix}"
        names = {"measure": wildcards.measure, "panel": wildcards.panel}
        return self.cohorts.shards_of(pattern, wildcards.cohort, **names)

    def volumes(self, wildcards: Wildcards) -> list[str]:
        """The table of ventricular volumes of the labeller of the short axis, if there is one."""
        about = panel(self.study, wildcards.panel)
        here = HERE.format(study=self.study.name, cohort=wildcards.cohort)
        pairs = self.study.measured()
        return [
            f"{here}/volumes/{labeller}.tsv"
            for labeller in about["labellers"]
            if (wildcards.cohort, labeller) in pairs
            and has_phases(self.study.sequence_of(wildcards.cohort, labeller))
        ][:1]

    def measured(self, wildcards: Wildcards) -> list[str]:
        """The tables of a panel's measures."""
        names = {"study": self.study.name, "cohort": wildcards.cohort, "panel": wildcards.panel}
        measures = panel_measures(self.study, wildcards.panel)
        return [MEASURED.format(measure=key, **names) + ".tsv" for key in measures]

    def about_rows(self, wildcards: Wildcards) -> Rows:
        """As `rows`, of a whole cohort, and with known volumes."""
        return _chosen(self.study.rows_of(wildcards.cohort), (*ABOUT, "edv_ml", "esv_ml"))

    def phenotypes(self) -> list[str]:
        """The table of phenotypes of each panel."""
        return [
            f"results/{self.study.name}/cohorts/{self.cohort_of(name)}/phenotypes/{name}.{suffix}"
            for name in self.names
            for suffix in ("tsv", "ukbb.csv")
        ]

    def strain_tables(self) -> list[str]:
        """The table of strain by tagging of each panel that measures it."""
        return [
            f"results/{self.study.name}/cohorts/{self.cohort_of(name)}/phenotypes/{name}.strain.tsv"
            for name in self.names
            if "tagging" in panel_measures(self.study, name)
        ]


def _chosen(rows: Rows, columns: Iterable[str]) -> Rows:
    """Subject, split and some columns of rows, of those that they have."""
    keys = ("subject", "split", *columns)
    return [{key: row[key] for key in keys if key in row} for row in rows]
