"""Inputs and params of the rules that measure repairs and repeatability."""

from typing import Any

from cmrseg.measure.examinations import NOTHING
from cmrseg.phantom.severities import SEVERITIES, split_severity
from study.robustness import STRAIN, strain_labeller
from study.study import Study
from study.subjects import patients
from study.wiring.checks import Checks
from study.wiring.cohorts import HERE, Rows
from study.wiring.wildcards import Wildcards

Inputs = dict[str, str | list[str]]


class Robustness:
    """The sections `repairs` and `repeatability` of a study, if it has them."""

    def __init__(self, study: Study, checks: Checks):
        self.study, self.checks = study, checks

    # -- repairs -----------------------------------------------------------------------------

    @property
    def _repairs(self) -> dict[str, Any]:
        found: dict[str, Any] = self.study.config["repairs"]
        return found

    def repairs_tables(self) -> list[str]:
        wanted = "repairs" in self.study.config
        return [f"results/{self.study.name}/evaluation/repairs.tsv"] if wanted else []

    def repairs_inputs(self, wildcards: Wildcards) -> Inputs:
        labellers = self._repairs["labellers"]
        places = {"on": self._repairs["cohort"], "off": self._repairs["without"]}
        found: Inputs = {
            name: [self._volumes(cohort, labeller) for labeller in labellers]
            for name, cohort in places.items()
        }
        for name, panel in zip(places, self._repairs["panels"], strict=False):
            here = self._here(places[name])
            found[f"strain_{name}"] = f"{here}/measures/{STRAIN}/{panel}.tsv"
        passed = [path for c in places.values() for path in self.checks.passed_of(c, *labellers)]
        return {**found, "passed": passed}

    def strain_labeller(self, wildcards: Wildcards) -> str:
        """Whose strain is compared, "" for nobody's."""
        return strain_labeller(self.study) if self._repairs["panels"] else ""

    def repairs_labellers(self, wildcards: Wildcards) -> list[str]:
        return list(self._repairs["labellers"])

    def repairs_rows(self, wildcards: Wildcards) -> Rows:
        """Subject, patient and fault with its severity of each row."""
        table = self.study.subjects[self._repairs["cohort"]]
        rows = []
        for row, patient in zip(table.to_dict("records"), patients(table), strict=True):
            fault, severity = split_severity(row["faults"])
            unit = SEVERITIES[fault].unit if fault in SEVERITIES else ""
            about = {"fault": fault, "severity": severity, "unit": unit}
            rows.append({"subject": row["subject"], "patient": patient, **about})
        return rows

    # -- repeatability -----------------------------------------------------------------------

    def repeatability_cohorts(self) -> list[str]:
        return [entry["cohort"] for entry in self.study.config["repeatability"]]

    def repeatability_tables(self) -> list[str]:
        return [f"{self._here(c)}/repeatability/summary.tsv" for c in self.repeatability_cohorts()]

    def repeatability_inputs(self, wildcards: Wildcards) -> Inputs:
        cohort, labellers = wildcards.cohort, self.repeatability_labellers(wildcards)
        found: Inputs = {"volumes": [self._volumes(cohort, name) for name in labellers]}
        found["passed"] = self.checks.passed_of(cohort, *labellers)
        if self.study.known_volumes(cohort):
            found["known"] = f"{self._here(cohort)}/known.tsv"
        about = self.study.config.get("calibrate", {})
        if about and cohort in (about["cohort"], *about["also"]):
            found["intervals"] = f"{self._here(cohort)}/calibration/volumes.tsv"
        return found

    def repeatability_labellers(self, wildcards: Wildcards) -> list[str]:
        entries = self.study.config["repeatability"]
        return list(next(e["labellers"] for e in entries if e["cohort"] == wildcards.cohort))

    def scans(self, wildcards: Wildcards) -> Rows:
        """Subject, patient and what changed since the first scan; the first scan comes first."""
        table = self.study.subjects[wildcards.cohort]
        table = table.assign(patient=patients(table))
        if "scan" in table:
            table = table.sort_values("scan", kind="stable")
        known = table["changed"].fillna("").replace("", NOTHING) if "changed" in table else ""
        return table.assign(changed=known)[["subject", "patient", "changed"]].to_dict("records")

    # -- paths -------------------------------------------------------------------------------

    def _here(self, cohort: str) -> str:
        return HERE.format(study=self.study.name, cohort=cohort)

    def _volumes(self, cohort: str, labeller: str) -> str:
        return f"{self._here(cohort)}/volumes/{labeller}.tsv"
