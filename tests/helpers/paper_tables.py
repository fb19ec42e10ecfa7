"""The tables of the published study: `python tests/helpers/paper_tables.py` writes them.

Ids, splits, repeated stacks, models and their settings are facts of Ankenbrand et al. 2021
(doi:10.1002/mrm.28822) and of its public code.
"""

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]

# Numbers of the Data Science Bowl's patients, by set.
SETS = {"train": range(1, 501), "validate": range(501, 701), "test": range(701, 1141)}
# Nine patients have two whole stacks: series of one of them, and which of a and b that is.
REPEATED = {
    "1082": ("sax_10", "a"),
    "1111": ("sax_32", "b"),
    "721": ("sax_47", "b"),
    "793": ("sax_41", "b"),
    "123": ("sax_10", "a"),
    "334": ("sax_29", "b"),
    "437": (",".join(f"sax_{number}" for number in range(12, 23)), "b"),
    "516": ("sax_104", "b"),
    "619": ("sax_21", "b"),
}
VOLUNTEERS = {
    "train": (17, 20, 21, 22, 23, 31, 32, 43, 44, 50, 51, 52, 53, 55),
    "validate": (19, 30, 35, 36, 42),
    "test": (26, 27, 28),
}

# Columns of the models table: what a model learns from, and what it has of its own. How all are
# trained is the recipe (config/recipes.yaml).
COLUMNS = (
    *("model", "recipe", "cohort", "labeller", "start", "subset", "encoder", "size_px"),
    *("augmentation", "loss", "batch", "schedule", "seed"),
)
SEED = 42
SHARED = {
    "recipe": "unet_paper",
    "cohort": "kaggle",
    "labeller": "ukbb",
    "start": "imagenet",
    "subset": "c05",
    "seed": SEED,
}
# The search: what each model has of its own. Names are the published ones in small letters.
SEARCH: dict[str, dict[str, object]] = {
    "r34_p05_s256": {},
    "r50_p05_s256": {"encoder": "resnet50", "batch": 8},
    "v16_p05_s256": {"encoder": "vgg16_bn", "batch": 8},
    "r34_p05_s256_focal": {"loss": "focal"},
    "r34_p05_s256_dice": {"loss": "softdice_compat"},
    "r34_p10_s256": {"subset": "c10"},
    "r34_p15_s256": {"subset": "c15"},
    "r34_p05_s128": {"size_px": 128},
    "r34_p05_s256_extremetfms": {"augmentation": "extreme"},
    "r34_p05_s256_fastai2": {"augmentation": "extreme", "schedule": "onecycle_fastai2"},
}
BASE = "r34_p05_s256_extremetfms"
STRATEGIES = {"plain": "random", "imagenet": "imagenet", "double": BASE}
SUBSETS = ("all", "v7", "r7", "v3", "r3", "v1", "r1", "esed", "r_esed")
TRANSFER = {
    "recipe": "unet_paper_7t",
    "cohort": "seven_tesla",
    "labeller": "expert1",
    "seed": SEED,
}


def kaggle(clean: bool) -> pd.DataFrame:
    """Subjects of the Data Science Bowl; as published its test patients are trained on.

    clean: split by set instead.
    """
    rows = []
    for set_, numbers in SETS.items():
        split = set_ if clean or set_ == "validate" else "train"
        for study in map(str, numbers):
            if study not in REPEATED:
                rows.append((study, study, "", split, set_))
                continue
            series, letter = REPEATED[study]
            for own in "ab":
                named = series if own == letter else f"!{series}"
                rows.append((f"{study}_{own}", study, named, split, set_))
    return pd.DataFrame(rows, columns=["subject", "study", "series", "split", "set"])


def seven_tesla() -> pd.DataFrame:
    """The volunteers, in the order of their numbers."""
    rows = [(str(n), split) for split, numbers in VOLUNTEERS.items() for n in numbers]
    return pd.DataFrame(sorted(rows), columns=["subject", "split"])


def models() -> pd.DataFrame:
    """The ten models of the search, and three strategies on nine training sets each."""
    rows = [{"model": name, **SHARED, **own} for name, own in SEARCH.items()]
    for strategy, start in STRATEGIES.items():
        rows += [
            {"model": f"{strategy}_{s}", **TRANSFER, "start": start, "subset": s} for s in SUBSETS
        ]
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def paper_tables() -> dict[str, pd.DataFrame]:
    """Every table, by its path below config/."""
    return {
        "cohorts/paper_kaggle.tsv": kaggle(clean=False),
        "cohorts/paper_kaggle_clean.tsv": kaggle(clean=True),
        "cohorts/paper_seven_tesla.tsv": seven_tesla(),
        "models/paper.tsv": models(),
    }


def as_text(table: pd.DataFrame) -> str:
    """The table as it is written."""
    return table.to_csv(sep="\t", index=False, lineterminator="\n")


if __name__ == "__main__":
    for name, content in paper_tables().items():
        (ROOT / "config" / name).write_text(as_text(content), "utf-8")
