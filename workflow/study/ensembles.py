"""Rows of the models table with folds or seeds: their members, and the folds of their cohorts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from study.tables import StudyError

Row = dict[str, Any]
# The columns that make a row of the models table an ensemble.
COLUMNS = ("folds", "seeds")
# What evaluations call the subjects whose labels come from members that have not seen them.
OUT_OF_FOLD = "out_of_fold"


@dataclass(frozen=True)
class Folds:
    """A division of the patients of some splits of a cohort: rows with the same one share it.

    splits: as in the models table, with - between them.
    """

    cohort: str
    splits: str
    count: int

    def table(self, study: str) -> str:
        """The file with the fold of each subject."""
        return f"results/{study}/folds/{self.cohort}/{self.splits}_{self.count}.tsv"

    def slices(self, study: str, fold: int, labeller: str, slices: str) -> str:
        """The folder of the slices whose split `validate` is a fold."""
        above = f"results/{study}/folds/{self.cohort}/{self.splits}_{self.count}"
        return f"{above}/{fold}/{labeller}/{slices}"


@dataclass(frozen=True)
class Ensemble:
    """A row with folds or seeds.

    row: as in the models table. members: fold of each member by its name, 0 where there are none.
    """

    row: Row
    members: Mapping[str, int]

    @property
    def folds(self) -> Folds | None:
        """The folds that its members leave out, None where there are seeds alone."""
        splits = str(self.row["splits"]).replace(",", "-")
        count = int(self.row["folds"])
        return Folds(self.row["cohort"], splits, count) if count > 1 else None


def expanded(table: Mapping[str, Row]) -> tuple[dict[str, Row], dict[str, Ensemble]]:
    """The models to train of the rows of a models table, and its ensembles, by name.

    A row `net` with folds has the members net_f1, net_f2, ...; with seeds net_s1, net_s2, ...; with
    both net_f1_s1, ... Their seeds count up from the row's: first all folds, then the next seed, so
    that one seed more leaves the others as they are. A member of folds whose start has the same
    folds and seeds starts from the same member of it. Raises StudyError where a member has the name
    of another row.
    """
    models: dict[str, Row] = {}
    ensembles: dict[str, Ensemble] = {}
    for name, row in table.items():
        plain = {key: value for key, value in row.items() if key not in COLUMNS}
        folds, seeds = row["folds"], row["seeds"]
        if folds == seeds == 1:
            models[name] = plain
            continue
        members = {}
        for fold in range(1, folds + 1):
            for seed in range(1, seeds + 1):
                ending = (f"_f{fold}" if folds > 1 else "") + (f"_s{seed}" if seeds > 1 else "")
                member = {
                    "model": name + ending,
                    "start": _start(row, table, ending),
                    "seed": row["seed"] + (seed - 1) * folds + fold - 1,
                }
                if folds > 1:
                    member["fold"] = f"{fold} of {folds}"
                models[name + ending] = plain | member
                members[name + ending] = fold if folds > 1 else 0
        ensembles[name] = Ensemble(row, members)
        for member_name in members:
            if member_name in table:
                raise StudyError(
                    f"model {member_name} is a row, and a member of {name}, which has folds or "
                    "seeds; rename one of the two rows"
                )
    return models, ensembles


def _start(row: Row, table: Mapping[str, Row], ending: str) -> str:
    """The start of a member: a member of the row's start, if both are divided alike."""
    start: str = row["start"]
    other = table.get(start, row)
    same = all(row[key] == other[key] for key in (*COLUMNS, "cohort", "splits"))
    return start + ending if start in table and same else start
