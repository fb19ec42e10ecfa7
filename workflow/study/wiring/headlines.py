"""Inputs and params of the first page of the report: what the study did, its numbers, figures."""

from study.study import Study
from study.wiring.wildcards import Wildcards

# Kinds of figures, of the first of which in a study the page shows one each.
SHOWN = (
    "overlays",
    "volume_agreement",
    "strategies",
    "measure_agreement",
    "agreement_by_level",
    "strain_curves",
    "bulls_eye",
    "prediction",
    "learning_curves",
)
MOST_FIGURES = 3
# Of more models than this the number is said, and not each by a sentence.
MOST_MODELS = 12
STARTS = {"random": "random weights", "imagenet": "ImageNet weights"}


class Headlines:
    """The first page of the report of a study."""

    def __init__(self, study: Study):
        self.study = study
        self.top = f"results/{study.name}"

    def page(self) -> list[str]:
        """The page, of a study that compares or draws something."""
        return [f"{self.top}/results.html"] if self._evaluated() or self._figures() else []

    def summaries(self, wildcards: Wildcards) -> list[str]:
        """Tables of all evaluations; of one by label maps and by known volumes in this order."""
        return [path for pair in self._evaluated() for path in self._summaries(*pair)]

    def evaluated(self, wildcards: Wildcards) -> list[tuple[str, str, int]]:
        """Labeller, cohort and number of tables of each evaluation."""
        return [(*pair, len(self._summaries(*pair))) for pair in self._evaluated()]

    def pictures(self, wildcards: Wildcards) -> list[str]:
        return [f"{self.top}/figures/{name}.png" for name in self._figures()]

    def picture_names(self, wildcards: Wildcards) -> list[str]:
        return [name.replace("_", " ").capitalize() for name in self._figures()]

    def facts(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """What the study did, by heading."""
        facts = {"Images": [self._cohort_sentence(cohort) for cohort in self.study.cohorts]}
        models = list(self.study.declared)
        if len(models) > MOST_MODELS:
            facts["Models"] = [f"{len(models)} models are trained; their cards have the settings."]
        elif models:
            facts["Models"] = [self._model_sentence(name) for name in models]
        if self.study.given:
            facts.setdefault("Models", []).append(f"Given: {', '.join(sorted(self.study.given))}.")
        return facts

    def _cohort_sentence(self, cohort: str) -> str:
        about = self.study.cohorts[cohort]
        splits = self.study.subjects[cohort]["split"].value_counts().sort_index()
        counted = ", ".join(f"{count} {split}" for split, count in splits.items())
        source = "digital hearts" if "phantom" in about else f"layout {about['layout']}"
        return f"{cohort}: {splits.sum()} subjects ({counted}), {source}."

    def _model_sentence(self, name: str) -> str:
        row = self.study.declared[name]
        start = STARTS.get(row["start"], f"the weights of {row['start']}")
        subset = "" if row["subset"] == "all" else f", subset {row['subset']}"
        return (
            f"{name}: {row['network']}, trained on {row['cohort']} ({row['splits']}{subset}) with "
            f"labels of {row['labeller']}, from {start}."
        )

    def _evaluated(self) -> list[tuple[str, str]]:
        pairs = [*self.study.evaluations(), *self.study.volume_evaluations()]
        return list(dict.fromkeys(pairs))

    def _summaries(self, labeller: str, cohort: str) -> list[str]:
        here, pair = f"{self.top}/evaluation/{labeller}/{cohort}", (labeller, cohort)
        return [
            f"{here}/{table}.tsv"
            for table, pairs in (
                ("summary", self.study.evaluations()),
                ("known_volumes_summary", self.study.volume_evaluations()),
            )
            if pair in pairs
        ]

    def _figures(self) -> list[str]:
        firsts = [next(iter(self.study.figures_of(kind)), "") for kind in SHOWN]
        return [name for name in firsts if name][:MOST_FIGURES]
