"""Folds of a cohort for cross-validation: all examinations of a patient are in one."""

from collections.abc import Mapping, Sequence

import pandas as pd
from sklearn.model_selection import GroupKFold

COLUMNS = ("subject", "patient", "fold")
# Of the order in which patients are dealt out. Not the seed of a model: models of one cohort that
# are divided into as many folds have the same ones, and can be compared or start from each other.
# In scikit-learn's usual order, by size, patients of one size come as the processor sorts them.
SEED = 0


def make_folds(rows: Sequence[Mapping[str, str]], count: int) -> pd.DataFrame:
    """The fold of each subject, 1 to `count`: columns subject, patient, fold, in the order of rows.

    rows: subject and patient. Patients are drawn at random, the same for the same names in any
    order, and numbers of patients in two folds differ by one at most (scikit-learn's GroupKFold).
    Raises ValueError where there are fewer patients than folds.
    """
    table = pd.DataFrame(rows, columns=["subject", "patient"])
    patients = table["patient"].nunique()
    if patients < count:
        raise ValueError(f"{patients} patients for {count} folds; choose fewer folds")
    table["fold"] = 0
    division = GroupKFold(count, shuffle=True, random_state=SEED)
    parts = division.split(table, groups=table["patient"].to_numpy(str))
    for fold, (_, left_out) in enumerate(parts, 1):
        table.loc[left_out, "fold"] = fold
    return table
