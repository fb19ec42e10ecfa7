"""A figure of the study as the files that it is drawn from name it."""

from dataclasses import dataclass
from typing import Any

from study.study import Study
from study.wiring.cohorts import HERE, Cohorts
from study.wiring.raw import Raw


@dataclass(frozen=True)
class Drawn:
    """A figure by name, and the paths of its inputs."""

    name: str
    study: Study
    cohorts: Cohorts
    raw: Raw

    @property
    def entry(self) -> dict[str, Any]:
        found: dict[str, Any] = self.study.config["figures"][self.name]
        return found

    @property
    def cohort(self) -> str:
        cohort: str = self.entry["cohort"]
        return cohort

    @property
    def sequence(self) -> str:
        return self.study.drawn_sequence(self.name)

    @property
    def labellers(self) -> list[str]:
        """Labellers or models in the order of the study."""
        return self.study.drawn(self.name)

    @property
    def shown(self) -> list[str]:
        """Labellers of which overlays show the best: the models, or the last annotator."""
        models = [name for name in self.labellers if self.study.is_model(name)]
        return models or self.labellers[-1:]

    @property
    def panels(self) -> list[str]:
        """In the order of the figure; the others are compared with the first one."""
        found: list[str] = self.entry["panels"]
        return found

    @property
    def observers(self) -> list[str]:
        """The annotators among the labellers, without propagated labels."""
        propagated = self.study.propagated(self.cohort)
        return [m for m in self.labellers if not self.study.is_model(m) and m not in propagated]

    @property
    def reference(self) -> str:
        return self.cohorts.reference_in(self.cohort, self.sequence)

    @property
    def here(self) -> str:
        """The cohort's folder."""
        return HERE.format(study=self.study.name, cohort=self.cohort)

    @property
    def images(self) -> list[str]:
        return self.cohorts.images_of(self.cohort)

    def labels(self, labeller: str) -> list[str]:
        return self.cohorts.labels_of(self.cohort, labeller)

    def volumes(self, labeller: str) -> str:
        return f"{self.here}/volumes/{labeller}.tsv"

    def curves(self, labeller: str) -> str:
        return f"{self.here}/volumes/{labeller}.curves.tsv"

    def evaluated(self, labeller: str, table: str = "subjects") -> str:
        """A table of a labeller's evaluation."""
        return f"results/{self.study.name}/evaluation/{labeller}/{self.cohort}/{table}.tsv"
