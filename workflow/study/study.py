"""A study: its config and tables, and its subjects, shards, labellers and models.

Used by rules, not by scripts. It refuses what the schemas refuse; inconsistent names are refused
by `study.load`, with which rules and tests load a study.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrseg.annotations.point_forms import POINT_FORMS
from cmrseg.labels import SHORT_NAMES
from cmrseg.learn.subsets import SCORED
from cmrseg.measure.by_sequence import has_phases, measures_of
from cmrseg.results.labelling import LABELLING, OPTIONAL
from cmrseg.sequences import SEQUENCES, Sequence, labelled_sequence
from cmrseg.tasks.kinds import kind_of
from study.coarse import coarse_ending, coarse_settings, learns_with_coarse
from study.ensembles import Ensemble, Folds, expanded
from study.given import given_models, weights_state, with_coarse_models
from study.recipes import read_models
from study.spreads import members_evaluated
from study.subjects import plain_rows, read_subjects
from study.tables import GRID, WITHOUT_GRID, StudyError, check

# Published encoder weights, by name of the encoder; a model that starts from them needs the file.
IMAGENET = "resources/downloads/imagenet/{encoder}.safetensors"
# DICOM layouts.
DICOM = ("kaggle", "folder")
# Folder of an annotator's labels in the raw data, if it is not annotations/<annotator>.
ANNOTATIONS = {"ukbb": ".", "png": "masks", "hdf5": ".", "myops": ".", "tagging": "."}
# Columns that the import of a subject depends on; others, such as known volumes, may change.
IMPORTED = ("subject", "study", "series", "set")
# Columns that the labels of its annotators depend on.
ANNOTATED = ("subject", "study", "set", "annotation")


class Study:
    """The checked config with its tables.

    config: the study's mapping, as read from YAML. Raises StudyError naming the key, row or name
    that is wrong.
    """

    def __init__(self, config: dict[str, Any]):
        self.config = check(config, "study", "config")
        self.name: str = self.config["study"]
        self.cohorts: dict[str, dict[str, Any]] = self.config["cohorts"]
        self.subjects = {name: read_subjects(name, about) for name, about in self.cohorts.items()}
        self.given = with_coarse_models(given_models(self.config["weights"]))
        # Rows of the models table, and what they come to: models to train, and ensembles of them.
        self.declared: dict[str, dict[str, Any]] = {}
        if "models" in self.config:
            self.declared = read_models(self.config["models"], self.config["recipes"])
        self.models, self.ensembles = expanded(self.declared)
        self.left_out = self._leave_out_imagenet()

    # -- cohorts -----------------------------------------------------------------------------

    def cohorts_with(self, *layouts: str) -> list[str]:
        return [name for name, cohort in self.cohorts.items() if cohort["layout"] in layouts]

    def phantoms(self) -> list[str]:
        return [name for name, cohort in self.cohorts.items() if "phantom" in cohort]

    def shards(self, cohort: str) -> list[str]:
        """Names of a cohort's shards, in the order of its subjects."""
        count = -(-len(self.subjects[cohort]) // self.cohorts[cohort]["subjects_per_job"])
        return [f"{shard:04d}" for shard in range(count)]

    def rows(self, cohort: str, shard: str) -> list[dict[str, Any]]:
        """The rows of the subject table that a shard handles."""
        size = self.cohorts[cohort]["subjects_per_job"]
        return plain_rows(self.subjects[cohort][int(shard) * size : (int(shard) + 1) * size])

    def import_rows(self, cohort: str, shard: str | None = None) -> list[dict[str, Any]]:
        """The columns that the import needs, for the subjects of a shard or of a whole cohort."""
        keys = (*IMPORTED, *GRID) if self.cohorts[cohort]["layout"] in WITHOUT_GRID else IMPORTED
        if "contoured_by" in self.cohorts[cohort]["cleaning"]:
            keys = (*keys, "annotation")
        return self._parts(cohort, shard, keys)

    def annotation_rows(self, cohort: str, shard: str | None = None) -> list[dict[str, Any]]:
        """The columns that an annotator's labels need, for the subjects of a shard or a cohort."""
        return self._parts(cohort, shard, ANNOTATED)

    def _parts(self, cohort: str, shard: str | None, keys: tuple[str, ...]) -> list[dict[str, Any]]:
        """Some columns of the rows of a shard, or of a whole cohort."""
        rows = self.rows_of(cohort) if shard is None else self.rows(cohort, shard)
        if self.cohorts[cohort]["layout"] != "kaggle":
            # There is no folder of a set, so a new split does not re-read raw files.
            rows = [row | {"set": ""} for row in rows]
        return [{key: row[key] for key in keys} for row in rows]

    def rows_of(self, cohort: str) -> list[dict[str, Any]]:
        """The rows of a whole cohort."""
        return plain_rows(self.subjects[cohort])

    def sequences(self, cohort: str) -> list[str]:
        """The images that each subject of a cohort may have."""
        found: list[str] = self.cohorts[cohort]["sequences"]
        return found

    def known_volumes(self, cohort: str) -> bool:
        """Whether every subject of the cohort has known volumes."""
        if self.cohorts[cohort]["known_volumes"] == "kaggle":
            return True
        table = self.subjects[cohort]
        return bool(table[["edv_ml", "esv_ml"]].notna().all(axis=None))

    # -- labellers ---------------------------------------------------------------------------

    def predicted(self) -> list[tuple[str, str]]:
        """Every (cohort, model) whose label maps the study needs."""
        spread = self.for_spread()
        return [p for p in self.labelled() if self.is_model(p[1]) and p not in spread]

    def pictured(self, figure: str) -> list[str]:
        """The labellers that a figure of predictions can show, the last one of which is shown.

        Models with labels of its sequence; or the annotators that it names.
        """
        entry, sequence = self.config["figures"][figure], self.drawn_sequence(figure)
        cohort = entry["cohort"]
        if "labellers" in entry:
            own = self.annotators(cohort)
            return [
                name
                for name in entry["labellers"]
                if name in own
                and self.sequence_of(cohort, name).key == sequence
                and self.has_maps(cohort, name)
            ]
        return [
            name
            for of, name in self.measured()
            if of == cohort and self.is_model(name) and self.sequence_of(of, name).key == sequence
        ]

    def annotators(self, cohort: str) -> list[str]:
        return list(self.cohorts[cohort]["annotators"])

    def annotator(self, cohort: str, name: str) -> dict[str, Any]:
        """Form of an annotator's labels, their sequence, their raw data and folder.

        `raw` is empty if it is the cohort's own raw data. numbers: number in the label files ->
        `Tissue`, if they differ from ours. first_pixel: coordinate of the first pixel's centre in
        contours, if it is not 0.
        """
        about, layout = self.cohorts[cohort]["annotators"][name], self.cohorts[cohort]["layout"]
        about = {"form": about} if isinstance(about, str) else about
        folder = f"annotations/{name}"
        if about["form"] != "points":
            folder = ANNOTATIONS.get(layout, folder)
        found = {"raw": "", "folder": folder, "sequence": self.sequences(cohort)[0], **about}
        if "numbers" in found:
            tissues = {short: int(tissue) for tissue, short in SHORT_NAMES.items()}
            found["numbers"] = {int(n): tissues[t] for n, t in found["numbers"].items()}
        return found

    def propagated(self, cohort: str) -> dict[str, str]:
        """Labellers of all frames -> the annotators whose labels are carried there."""
        found: dict[str, str] = self.cohorts[cohort]["propagated"]
        return found

    def is_model(self, labeller: str) -> bool:
        """Whether a labeller is a model or an ensemble, trained here or given."""
        return any(labeller in known for known in (self.models, self.ensembles, self.given))

    @property
    def model_names(self) -> list[str]:
        """The names of all models and ensembles, trained here or given."""
        return [*self.models, *self.ensembles, *self.given]

    def members(self, name: str) -> dict[str, int]:
        """Fold of each member of an ensemble by its name; empty for any other model."""
        if name in self.ensembles:
            return dict(self.ensembles[name].members)
        return dict(self.given.get(name, {}).get("members", {}))

    def ensemble_of(self, model: str) -> Ensemble | None:
        """The ensemble that a trained model is a member of, if any."""
        return next((e for e in self.ensembles.values() if model in e.members), None)

    def folds(self, labeller: str, cohort: str) -> Folds | None:
        """The folds of a cohort by which an ensemble labels its subjects, if it was trained on it.

        None for any other labeller.
        """
        ensemble = self.ensembles.get(labeller)
        return ensemble.folds if ensemble and ensemble.row["cohort"] == cohort else None

    def sequence_of(self, cohort: str, labeller: str) -> Sequence:
        """The sequence of a cohort that a labeller segments."""
        if self.is_model(labeller):
            return labelled_sequence(self.model(labeller)["sequence"])
        drawn_by = self.propagated(cohort).get(labeller, labeller)
        return SEQUENCES[self.annotator(cohort, drawn_by)["sequence"]]

    def has_maps(self, cohort: str, labeller: str) -> bool:
        """Whether a labeller gives label maps, which are measured and compared."""
        if self.is_model(labeller):
            return kind_of(self.model(labeller)).writes == "label map"
        return not self.writes_points(cohort, labeller)

    def writes_points(self, cohort: str, labeller: str) -> bool:
        """Whether a labeller of a cohort gives points."""
        if self.is_model(labeller):
            return kind_of(self.model(labeller)).writes == "points"
        drawn_by = self.propagated(cohort).get(labeller, labeller)
        return self.annotator(cohort, drawn_by)["form"] in POINT_FORMS

    @property
    def point_labellers(self) -> list[str]:
        """The labellers whose points are compared with a reference."""
        return sorted({m for m, cohort in self.evaluations() if self.writes_points(cohort, m)})

    def measured(self) -> list[tuple[str, str]]:
        """Every (cohort, labeller) that has a table of volumes, or of other measures.

        Labels that are there to find the heart for another model alone are not measured.
        """
        return [
            (cohort, name)
            for cohort, name in sorted(self._asked())
            if self.has_maps(cohort, name) and measures_of(self.sequence_of(cohort, name))
        ]

    def model(self, name: str) -> dict[str, Any]:
        """The settings of a model that segmentation needs; of an ensemble also its `members`."""
        if name in self.ensembles:
            settings = self.ensembles[name].row
        else:
            settings = self.models.get(name) or self.given[name]
        found = {key: settings[key] for key in (*LABELLING, *OPTIONAL)}
        return found | ({"members": members} if (members := self.members(name)) else {})

    def training(self, name: str) -> dict[str, Any]:
        """The columns of the models table that the training of a model depends on."""
        row = self.models[name]
        learnt = {key: value for key, value in row.items() if key not in OPTIONAL}
        return learnt | coarse_settings(row)

    def weights(self, name: str) -> str:
        """The file of a model's weights."""
        folder = self.given[name]["folder"] if name in self.given else None
        return f"{folder or f'results/{self.name}/models/{name}'}/weights.safetensors"

    def weights_state(self, name: str) -> str:
        """A text that changes with the weights of a given model; Snakemake tracks the others."""
        return weights_state(self.given[name]["folder"]) if name in self.given else ""

    def ed(self, cohort: str, labeller: str) -> str:
        """The rule for end-diastole in a labeller's volumes of a cohort."""
        volumes = self.config["volumes"]
        usual = self.cohorts[cohort].get("ed", volumes["ed"])
        return volumes["ed_of"].get(labeller, usual)

    def labelled(self) -> list[tuple[str, str]]:
        """Every (cohort, labeller) whose label maps the study needs."""
        pairs = self._asked() | self.for_spread()
        learnt = [row for row in self.models.values() if learns_with_coarse(row)]
        pairs |= {(row["cohort"], row["coarse"]) for row in learnt}
        # A coarse model may have one itself.
        waiting = list(pairs)
        while waiting:
            cohort, labeller = waiting.pop()
            pair = (cohort, self.coarse(labeller))
            if pair[1] and pair not in pairs:
                pairs.add(pair)
                waiting.append(pair)
        return sorted(pairs)

    def coarse(self, labeller: str) -> str:
        """The model whose labels a labeller needs first, "" for none."""
        return str(self.model(labeller)["coarse"]) if self.is_model(labeller) else ""

    def _asked(self) -> set[tuple[str, str]]:
        """Every (cohort, labeller) whose label maps the study names, or learns from."""
        pairs = {(c, a) for c in self.cohorts for a in (*self.annotators(c), *self.propagated(c))}
        entries = [*self.config["evaluate"], *self.config["predict"]]
        entries += self.config["panels"].values()
        entries += self.config["repeatability"]
        pairs |= {(e["cohort"], m) for e in entries for m in e["labellers"]}
        pairs |= {(row["cohort"], row["labeller"]) for row in self.models.values()}
        if about := self.config.get("calibrate"):
            places = (about["cohort"], *about["also"])
            pairs |= {(place, m) for place in places for m in about["labellers"]}
        if about := self.config.get("repairs"):
            places = (about["cohort"], about["without"])
            pairs |= {(place, m) for place in places for m in about["labellers"]}
        if about := self.config.get("quality"):
            members = [self.ensembles[m].members for m in about["labellers"] if m in self.ensembles]
            names = {*about["labellers"]}.union(*(members if about["agreement"] else []))
            pairs |= {(c, m) for c in (about["cohort"], *about["also"]) for m in names}
        pairs |= set(self.scored())
        return pairs

    def for_spread(self) -> set[tuple[str, str]]:
        """Every (cohort, member of an ensemble) that is labelled for its spread alone."""
        return {(cohort, member) for member, cohort in members_evaluated(self)} - self._asked()

    def scored(self) -> list[tuple[str, str]]:
        """Every (cohort, labeller) whose volumes have confidence scores, the main one first."""
        about = self.config.get("confidence")
        if about is None:
            return []
        return [(about["cohort"], m) for m in (about["labeller"], *about.get("also", ()))]

    def scores_of(self, row: Mapping[str, Any]) -> str | None:
        """The labeller whose scores select the images of a model; None for other subsets."""
        if row["subset"] not in SCORED or "confidence" not in self.config:
            return None
        about, own = self.config["confidence"], (row["cohort"], row["labeller"])
        found: str = row["labeller"] if own in self.scored() else about["labeller"]
        return found

    def labellers(self, cohort: str) -> list[str]:
        return [labeller for name, labeller in self.labelled() if name == cohort]

    def evaluations(self) -> list[tuple[str, str]]:
        """Every (labeller, cohort) that is compared with a reference."""
        entries = [e for e in self.config["evaluate"] if "reference" in e]
        return self._with_members([(m, e["cohort"]) for e in entries for m in e["labellers"]])

    def volume_evaluations(self) -> list[tuple[str, str]]:
        """Every (labeller, cohort) that is compared with known volumes."""
        entries = [e for e in self.config["evaluate"] if self.known_volumes(e["cohort"])]
        pairs = [(m, e["cohort"]) for e in entries for m in e["labellers"]]
        pairs = self._with_members(pairs)
        return [(m, cohort) for m, cohort in pairs if has_phases(self.sequence_of(cohort, m))]

    def _with_members(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Evaluated (labeller, cohort), and behind them members of ensembles, for their spread."""
        cohorts = {cohort for _, cohort in pairs}
        members = [pair for pair in members_evaluated(self) if pair[1] in cohorts]
        return list(dict.fromkeys([*pairs, *members]))

    def evaluated(self, cohort: str, sequence: str | None = None) -> list[str]:
        """The labellers of a sequence, or of all, that are compared, in the order of the study."""
        entries = [e for e in self.config["evaluate"] if e["cohort"] == cohort]
        labellers = [labeller for entry in entries for labeller in entry["labellers"]]
        return [m for m in labellers if sequence in (None, self.sequence_of(cohort, m).key)]

    def drawn(self, figure: str) -> list[str]:
        """The labellers or models in a figure: those named by it, in its order, or all."""
        entry = self.config["figures"][figure]
        curves, cohort = entry["figure"] == "learning_curves", entry["cohort"]
        everyone = self.evaluated(cohort, self.drawn_sequence(figure))
        return entry.get("labellers", self.models_on(cohort) if curves else everyone)

    def drawn_sequence(self, figure: str) -> str:
        """The sequence that a figure shows."""
        entry = self.config["figures"][figure]
        return entry.get("sequence", self.sequences(entry["cohort"])[0])

    def reference(self, cohort: str, sequence: str) -> str | None:
        """The annotator that labellers of a cohort's sequence are compared with, if any."""
        return self._held_against(cohort, sequence).get("reference")

    def evaluated_frames(self, cohort: str, sequence: str) -> str:
        """Whose end-diastole and end-systole are used for labellers of a cohort's sequence."""
        return self._held_against(cohort, sequence)["frames"]

    def _held_against(self, cohort: str, sequence: str) -> dict[str, Any]:
        """The entry of `evaluate` with the reference of a sequence; empty where there is none."""
        entries = [e for e in self.config["evaluate"] if e["cohort"] == cohort and "reference" in e]
        own = (e for e in entries if self.sequence_of(cohort, e["reference"]).key == sequence)
        return next(own, {})

    # -- models ------------------------------------------------------------------------------

    def models_on(self, cohort: str) -> list[str]:
        return [name for name, row in self.models.items() if row["cohort"] == cohort]

    def declared_of(self, name: str) -> dict[str, Any]:
        """The row of the models table behind a trained model or an ensemble."""
        ensemble = self.ensembles.get(name) or self.ensemble_of(name)
        return ensemble.row if ensemble else self.models[name]

    def slices_name(self, model: str) -> str:
        """Folder of a model's training slices, in the folder of its cohort and labeller."""
        row = self.models[model]
        tissues = row["tissues"].replace(",", "-")
        shape = f"{row['preparation']}_{row['intensity']}_{row['size_px']}"
        return f"{row['sequence'].replace(',', '-')}_{tissues}_{shape}{coarse_ending(row)}"

    # -- figures -----------------------------------------------------------------------------

    @property
    def data_figures(self) -> list[str]:
        """Names of the figures that are drawn from tables and images."""
        pages = (*self.viewers, *self.movies)
        return [name for name in self.config["figures"] if name not in pages]

    @property
    def viewers(self) -> list[str]:
        """Names of the pages with an interactive viewer."""
        return self.figures_of("viewer")

    @property
    def movies(self) -> list[str]:
        """Names of the folders of films."""
        return self.figures_of("tagging_movie")

    def figures_of(self, kind: str) -> list[str]:
        """Names of the figures of a kind."""
        return [n for n, f in self.config["figures"].items() if f["figure"] == kind]

    def _leave_out_imagenet(self) -> dict[str, str]:
        """Remove models from the study whose ImageNet weights do not exist; model -> file."""
        absent: dict[str, str] = {}
        if self.config["imagenet"] == "fetch":
            return absent
        for model, row in self.models.items():
            path = IMAGENET.format(encoder=row["encoder"])
            if row["start"] == "imagenet" and row["encoder"] and not Path(path).exists():
                absent[model] = path
        for name, ensemble in self.ensembles.items():
            if paths := [absent[member] for member in ensemble.members if member in absent]:
                absent[name] = paths[0]
        for model in absent:
            for known in (self.declared, self.models, self.ensembles):
                known.pop(model, None)
        for model, path in absent.items():
            for other, row in self.models.items():
                if model in (row["start"], row["labeller"], row["coarse"]):
                    raise StudyError(
                        f"model {other} needs model {model}, whose ImageNet weights are missing; "
                        f"put them at {path}"
                    )
        panels = self.config["panels"].values()
        for entry in [*self.config["evaluate"], *self.config["predict"], *panels]:
            entry["labellers"] = [name for name in entry["labellers"] if name not in absent]
        for entry in self.config["figures"].values():
            if "labellers" in entry:
                entry["labellers"] = [name for name in entry["labellers"] if name not in absent]
        return absent
