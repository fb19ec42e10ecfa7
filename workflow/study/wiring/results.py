"""Results of a study other than cohorts, models and figures."""

from collections.abc import Mapping

from study.study import Study
from study.tidy import unnamed
from study.wiring.wildcards import Wildcards


class Results:
    """The folder of a study's results.

    origins: what a prediction labels and with what, by name; no other study has some.
    """

    def __init__(self, study: Study, origins: Mapping[str, str]):
        self.study, self.origins = study, origins

    def origin(self, wildcards: Wildcards) -> str:
        """The path given for the images or the model."""
        return self.origins[wildcards.origin]

    def predicted(self, measured: list[str]) -> list[str]:
        """Figures of what models label; of a prediction all that it names, and `measured`."""
        study, top = self.study, f"results/{self.study.name}/figures"
        names = study.data_figures if self.origins else study.figures_of("prediction")
        drawn = [f"{top}/{name}.{suffix}" for name in names for suffix in ("svg", "png")]
        if not self.origins:
            return drawn
        return [*measured, *drawn, *(f"{top}/{name}" for name in study.movies)]

    def unnamed(self, wildcards: Wildcards) -> list[str]:
        """Files in the folder that the study does not name."""
        return unnamed(self.study, f"results/{self.study.name}", self.origins)
