"""A study: its config and tables, read and checked before any job starts.

Rules ask it which subjects, shards, labellers and models exist; scripts do not import it.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import yaml

SCHEMAS = Path(__file__).resolve().parent / "schemas"
# Published encoder weights, by name of the encoder; a model that starts from them needs the file.
IMAGENET = "resources/downloads/imagenet/{encoder}.safetensors"


class StudyError(ValueError):
    """A study cannot be run as it is written; the message says where and what to do."""


class Study:
    """The checked config with its tables.

    config: the study's mapping, as read from YAML. Raises StudyError naming the key, row or name
    that is wrong.
    """

    def __init__(self, config: dict[str, Any]):
        self.config = check(config, "study", "config")
        self.name: str = self.config["study"]
        self.cohorts: dict[str, dict[str, Any]] = self.config["cohorts"]
        self.subjects = {name: self._read_subjects(name) for name in self.cohorts}
        self.models = self._read_models()
        self.left_out = self._leave_out_imagenet()
        self._check_names()
        self._check_starts()
        self._check_truth()
        self._check_phantoms()

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
        return self.rows_of(cohort)[int(shard) * size : (int(shard) + 1) * size]

    def rows_of(self, cohort: str) -> list[dict[str, Any]]:
        """The rows of a whole cohort."""
        rows = self.subjects[cohort]
        # None instead of nan, which is not equal to itself when params are compared.
        return rows.astype(object).where(rows.notna(), None).to_dict("records")

    def known_volumes(self, cohort: str) -> bool:
        """Whether every subject of the cohort has known volumes."""
        table = self.subjects[cohort]
        return bool(table[["edv_ml", "esv_ml"]].notna().all(axis=None))

    # -- labellers ---------------------------------------------------------------------------

    def annotators(self, cohort: str) -> list[str]:
        return list(self.cohorts[cohort]["annotators"])

    def labelled(self) -> list[tuple[str, str]]:
        """Every (cohort, labeller) whose label maps the study needs."""
        pairs = {(c, a) for c in self.cohorts for a in self.annotators(c)}
        pairs |= {(e["cohort"], m) for e in self.config["evaluate"] for m in e["labellers"]}
        pairs |= {(row["cohort"], row["labeller"]) for row in self.models.values()}
        if "confidence" in self.config:
            pairs.add((self.config["confidence"]["cohort"], self.config["confidence"]["labeller"]))
        return sorted(pairs)

    def labellers(self, cohort: str) -> list[str]:
        return [labeller for name, labeller in self.labelled() if name == cohort]

    def evaluations(self) -> list[tuple[str, str]]:
        """Every (labeller, cohort) that is held against a reference."""
        return [(m, e["cohort"]) for e in self.config["evaluate"] for m in e["labellers"]]

    def evaluated(self, cohort: str) -> list[str]:
        return [labeller for labeller, name in self.evaluations() if name == cohort]

    def reference(self, cohort: str) -> str:
        """The annotator that a cohort's labellers are held against."""
        return next(e["reference"] for e in self.config["evaluate"] if e["cohort"] == cohort)

    # -- models ------------------------------------------------------------------------------

    def models_on(self, cohort: str) -> list[str]:
        return [name for name, row in self.models.items() if row["cohort"] == cohort]

    def slices_name(self, model: str) -> str:
        """Folder of the slices that a model is trained on, below its cohort and labeller."""
        row = self.models[model]
        return f"{row['preparation']}_{row['intensity']}_{row['size_px']}_{row['classes']}"

    # -- reading and checking ----------------------------------------------------------------

    def _read_subjects(self, cohort: str) -> pd.DataFrame:
        path = self.cohorts[cohort]["subjects"]
        rows = _read_rows(
            path, "subjects", {"edv_ml", "esv_ml", "age_y", "heart_rate_bpm"}, {"seed"}
        )
        table = pd.DataFrame(rows)
        if table.empty:
            raise StudyError(f"cohort {cohort}: {path} has no subjects; add a row per subject")
        for column in ("study", "series", "faults"):
            table[column] = table.get(column, pd.Series("", table.index)).fillna("")
        for column in ("edv_ml", "esv_ml"):
            table[column] = pd.to_numeric(table.get(column, pd.Series(None, table.index)))
        table["study"] = table["study"].where(table["study"] != "", table["subject"])
        repeated = table["subject"][table["subject"].duplicated()]
        if len(repeated):
            raise StudyError(f"cohort {cohort}: {path} has subject {repeated.iloc[0]} twice")
        return table

    def _read_models(self) -> dict[str, dict[str, Any]]:
        path = self.config["models"]
        rows = _read_rows(
            path,
            "models",
            {"lr", "lr_frozen"},
            {"width", "classes", "size_px", "batch", "seed"},
        )
        models: dict[str, dict[str, Any]] = {}
        for row in rows:
            if row["model"] in models:
                raise StudyError(f"{path}: model {row['model']} is there twice")
            if (row["network"] == "fcn") != (row["encoder"] == ""):
                raise StudyError(
                    f"{path}, model {row['model']}: network {row['network']} with encoder "
                    f"'{row['encoder']}'; a U-Net needs an encoder, the FCN has none"
                )
            models[row["model"]] = row
        return models

    def _leave_out_imagenet(self) -> dict[str, str]:
        """Take models out of the study whose ImageNet weights are not there; model -> file."""
        absent = {}
        for model, row in self.models.items():
            path = IMAGENET.format(encoder=row["encoder"])
            if row["start"] == "imagenet" and row["encoder"] and not Path(path).exists():
                absent[model] = path
        for model, path in absent.items():
            del self.models[model]
            for other, row in self.models.items():
                if model in (row["start"], row["labeller"]):
                    raise StudyError(
                        f"model {other} needs model {model}, whose ImageNet weights are missing; "
                        f"put them at {path}"
                    )
        for entry in self.config["evaluate"]:
            entry["labellers"] = [name for name in entry["labellers"] if name not in absent]
        return absent

    def _check_names(self) -> None:
        annotators = {a for cohort in self.cohorts for a in self.annotators(cohort)}
        for name in annotators & set(self.models):
            raise StudyError(f"'{name}' is both a model and an annotator; rename one of them")
        for model, row in self.models.items():
            self._check_labeller(f"model {model}", row["cohort"], row["labeller"])
            if row["subset"] in ("c05", "c10", "c15"):
                self._check_confidence(model, row)
        seen = set()
        for entry in self.config["evaluate"]:
            cohort = entry["cohort"]
            if cohort in seen:
                raise StudyError(f"evaluate: cohort {cohort} is there twice; join the entries")
            seen.add(cohort)
            for labeller in [*entry["labellers"], entry["reference"]]:
                self._check_labeller("evaluate", cohort, labeller)
        if "confidence" in self.config:
            entry = self.config["confidence"]
            self._check_labeller("confidence", entry["cohort"], entry["labeller"])
        for name, entry in self.config["figures"].items():
            self._check_cohort(f"figure {name}", entry["cohort"])
            if entry["figure"] not in ("cleaning", "learning_curves") and (
                entry["cohort"] not in seen
            ):
                raise StudyError(f"figure {name}: cohort {entry['cohort']} is not in `evaluate`")

    def _check_cohort(self, where: str, cohort: str) -> None:
        if cohort not in self.cohorts:
            raise StudyError(f"{where}: no cohort '{cohort}'; there are {', '.join(self.cohorts)}")

    def _check_labeller(self, where: str, cohort: str, labeller: str) -> None:
        self._check_cohort(where, cohort)
        known = [*self.annotators(cohort), *self.models]
        if labeller not in known:
            raise StudyError(
                f"{where}: no labeller '{labeller}' for cohort {cohort}; there are "
                + ", ".join(known)
            )

    def _check_confidence(self, model: str, row: dict[str, Any]) -> None:
        entry = self.config.get("confidence")
        if entry is None or entry["cohort"] != row["cohort"]:
            raise StudyError(
                f"model {model}: subset {row['subset']} of cohort {row['cohort']} needs the "
                "`confidence` section for that cohort"
            )

    def _check_starts(self) -> None:
        """No model may need itself, be it as a start or as the labeller of what it learns."""
        needs = {
            model: [name for name in (row["start"], row["labeller"]) if name in self.models]
            for model, row in self.models.items()
        }
        for model, row in self.models.items():
            if row["start"] not in ("random", "imagenet", *self.models):
                raise StudyError(
                    f"model {model}: start '{row['start']}' is neither random nor imagenet nor a "
                    f"model; there are {', '.join(self.models)}"
                )
            if row["start"] == "imagenet" and row["network"] == "fcn":
                raise StudyError(f"model {model}: the FCN has no ImageNet weights to start from")
        for model in self.models:
            path = [model]
            for name in _walk(needs, model, path):
                if name == model:
                    raise StudyError(
                        f"model {model} starts from or learns from itself: {' <- '.join(path)}"
                    )

    def _check_truth(self) -> None:
        if "confidence" not in self.config:
            return
        cohort = self.config["confidence"]["cohort"]
        table = self.subjects[cohort]
        missing = table["subject"][table[["edv_ml", "esv_ml"]].isna().any(axis=1)]
        if len(missing):
            raise StudyError(
                f"cohort {cohort}: {self.cohorts[cohort]['subjects']} has no edv_ml and esv_ml for "
                f"{', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}; confidence needs "
                "them for every subject"
            )
        wrong = table["subject"][table["edv_ml"] < table["esv_ml"]]
        if len(wrong):
            raise StudyError(f"cohort {cohort}: subject {wrong.iloc[0]} has edv_ml below esv_ml")

    def _check_phantoms(self) -> None:
        """The digital heart writes all stacks of a study in one job, and cines in DICOM only."""
        for cohort in self.phantoms():
            settings, layout = self.cohorts[cohort]["phantom"], self.cohorts[cohort]["layout"]
            if ("frames" in settings) != (layout != "ukbb"):
                raise StudyError(
                    f"cohort {cohort}: phantom.frames belongs to the layouts kaggle and folder and "
                    f"is needed there; layout ukbb has end-diastole and end-systole alone"
                )
            homes: dict[str, str] = {}
            for shard in self.shards(cohort):
                for row in self.rows(cohort, shard):
                    if homes.setdefault(row["study"], shard) != shard:
                        raise StudyError(
                            f"cohort {cohort}: the subjects of study {row['study']} fall into two "
                            "jobs; put their rows next to each other or change subjects_per_job"
                        )

    # -- figures -----------------------------------------------------------------------------

    @property
    def data_figures(self) -> list[str]:
        """Names of the figures that are drawn from tables and images."""
        return [n for n, f in self.config["figures"].items() if f["figure"] != "viewer"]

    @property
    def viewers(self) -> list[str]:
        """Names of the pages with an interactive viewer."""
        return [n for n, f in self.config["figures"].items() if f["figure"] == "viewer"]


def _walk(needs: dict[str, list[str]], model: str, path: list[str]) -> Iterator[str]:
    for name in needs[model]:
        path.append(name)
        yield name
        if path.count(name) == 1:
            yield from _walk(needs, name, path)
        path.pop()


def check(value: dict[str, Any], schema: str, where: str) -> dict[str, Any]:
    """A copy of `value` with defaults, if it fits the schema.

    Raises StudyError naming the place, the value and what is allowed.
    """
    rules = yaml.safe_load((SCHEMAS / f"{schema}.schema.yaml").read_text("utf-8"))
    errors = sorted(
        jsonschema.Draft202012Validator(rules).iter_errors(value),
        key=lambda e: list(map(str, e.path)),
    )
    if errors:
        raise StudyError(_sentence(errors[0], where))
    return _with_defaults(value, rules, rules)


def _with_defaults(value: Any, rule: dict[str, Any], root: dict[str, Any]) -> Any:
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if not isinstance(value, dict):
        return value
    known = rule.get("properties", {})
    other = rule.get("additionalProperties")
    filled = {
        key: _with_defaults(item, known.get(key, other if isinstance(other, dict) else {}), root)
        for key, item in value.items()
    }
    for key, property_ in known.items():
        if key not in filled and "default" in property_:
            filled[key] = _with_defaults(property_["default"], property_, root)
    return filled


def _sentence(error: jsonschema.ValidationError, where: str) -> str:
    place = ".".join(map(str, error.absolute_path))
    place = f"{where}: {place}" if place else where
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(key for key in error.instance if key not in known)
        near = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
        return f"{place}: unknown key '{unknown}'; {hint}"
    if error.validator == "oneOf":
        return f"{place}: needs either `raw` (a folder) or `phantom`, not both"
    return f"{place}: {error.message}"


def _read_rows(
    path: str, schema: str, numbers: set[str], integers: set[str]
) -> list[dict[str, Any]]:
    """Rows of a TSV with the types that its schema wants, each checked."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(f"{path}: cannot be read as a table with tabs ({error})") from None
    rows = []
    for line, row in enumerate(table.to_dict("records"), start=2):
        where = f"{path}, line {line}"
        for column in (numbers | integers) & set(row):
            try:
                kind = int if column in integers else float
                row[column] = kind(row[column]) if row[column] != "" else None
            except ValueError:
                raise StudyError(
                    f"{where}: {column} is '{row[column]}', expected a number"
                ) from None
        rows.append(check(row, schema, where))
    return rows
