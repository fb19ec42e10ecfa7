"""What figures show, joined from the study's tables."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from cmrseg.measure.observers import MEAN, PERCENT_COLUMNS, end_frames, observer_table

VOLUMES = ("edv_ml", "esv_ml", "ef")


def named(tables: Iterable[pd.DataFrame], names: Sequence[str], column: str) -> pd.DataFrame:
    """The tables below each other, with the name of each in a first column."""
    parts = [table.assign(**{column: name}) for name, table in zip(names, tables, strict=True)]
    return pd.concat(parts, ignore_index=True)


def against_truth(volumes: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Volumes of labellers with the true ones of their subjects.

    volumes: labeller, subject, edv_ml, esv_ml, ef. truth: subject, edv_ml, esv_ml. Returns the
    volumes with true_edv_ml, true_esv_ml, true_ef (fraction); subjects without truth are absent.
    """
    true = truth.dropna(subset=["edv_ml", "esv_ml"])[["subject", "edv_ml", "esv_ml"]]
    true = true.assign(ef=(true["edv_ml"] - true["esv_ml"]) / true["edv_ml"])
    true = true.rename(columns={name: f"true_{name}" for name in VOLUMES})
    return volumes.merge(true, on="subject")


def strategies(subjects: pd.DataFrame, models: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Evaluation rows with the transfer strategy and the training subset of their labeller.

    subjects: labeller, cohort and scores. models: start, subset and cohort of each model. A model
    trained on another cohort is `base`; one trained on this cohort is `plain`, `imagenet` or
    `double` by its start; a person is left out.
    """
    table = subjects[subjects["labeller"].isin(models)].copy()

    def strategy(row: pd.Series) -> str:
        model = models[row["labeller"]]
        if model["cohort"] != row["cohort"]:
            return "base"
        return {"random": "plain", "imagenet": "imagenet"}.get(model["start"], "double")

    table["strategy"] = table.apply(strategy, axis=1)
    subset = table["labeller"].map({name: model["subset"] for name, model in models.items()})
    table["subset"] = np.where(table["strategy"] == "base", "none", subset)
    return table


def observer_differences(
    curves: Mapping[str, pd.DataFrame], references: Sequence[str]
) -> pd.DataFrame:
    """Percent differences of EDV, ESV, SV and EF of every pair of a reference and a method.

    curves: by labeller, the volume curves (subject, frame, lv_ml). references: labellers that
    others are held against, the first observer first; pairs of references are compared once.
    Frames are those of the reference's own largest and smallest volume.
    Returns volunteer, reference, method, edv, esv, sv, ef.
    """
    tables = []
    for number, reference in enumerate(references):
        for method in curves:
            if method in references[: number + 1]:
                continue
            pair = curves[reference].merge(
                curves[method], on=["subject", "frame"], suffixes=("", "_second")
            )
            pair = pair.rename(columns={"lv_ml": "first_px", "lv_ml_second": "second_px"})
            table = observer_table(pair, end_frames(pair), ml_per_pixel=1.0)
            table = table[table["subject"] != MEAN]
            short = {name: name.removesuffix("_percent") for name in PERCENT_COLUMNS}
            table = table[["subject", *PERCENT_COLUMNS]].rename(
                columns={"subject": "volunteer", **short}
            )
            tables.append(table.assign(reference=reference, method=method))
    return pd.concat(tables, ignore_index=True)


def ranked(images: pd.DataFrame, per_rank: int = 3) -> pd.DataFrame:
    """Images of the best, the median and the worst agreement, as figures show them.

    images: rows with subject, slice, frame, dice_lv, dice_my. Ranked by the mean of both; images
    without LV on either side are left out; a subject is shown once per rank.
    Returns the chosen rows with a column `kind`.
    """
    table = images.dropna(subset=["dice_lv", "dice_my"])
    table = table.assign(score=(table["dice_lv"] + table["dice_my"]) / 2)
    table = table.sort_values(
        ["score", "subject", "slice", "frame"], ascending=[False, *[True] * 3]
    )
    middle = table.assign(far=(table["score"] - table["score"].median()).abs()).sort_values(
        ["far", "subject", "slice", "frame"]
    )
    kinds = {"best": table, "median": middle, "worst": table.iloc[::-1]}
    return pd.concat(
        [
            rows.drop_duplicates("subject").head(per_rank).assign(kind=k)
            for k, rows in kinds.items()
        ],
        ignore_index=True,
    )


def spread(images: pd.DataFrame, count: int) -> list[str]:
    """Held-out subjects from the best to the worst mean LV Dice, evenly spread over the ranks.

    images: rows with subject, split, dice_lv. Subjects that a model was trained on count only
    where there are no others.
    """
    held_out = images[images["split"] != "train"]
    table = images if held_out.empty else held_out
    order = table.groupby("subject")["dice_lv"].mean().sort_values(ascending=False)
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [str(order.index[place]) for place in places]
