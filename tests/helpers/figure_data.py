"""Made-up tables and images that the figures' tests draw."""

import matplotlib
import numpy as np
import pandas as pd

from cmrseg.dicom import audit as audit_kinds
from cmrseg.figures import (
    bulls_eye,
    by_level,
    cleaning,
    confidence,
    ef_error,
    learning_curves,
    measure_agreement,
    measure_curves,
    observers,
    overlays,
    strain_conventions,
    strain_curves,
    strategies,
    volume_agreement,
    volume_curves,
)
from cmrseg.figures.truth import against_truth
from cmrseg.labels import Tissue
from cmrseg.measure.ring_conventions import conventions_table
from cmrseg.phenotypes.columns import SEGMENTAL
from panel_data import PANELS, aorta, measured, phenotypes, thickness
from tag_rings import strain_details

MODELS = ("plain_all", "double_all")


def volumes() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for labeller in MODELS:
        for subject in range(12):
            edv, esv = 120 + 5 * subject, 50 + 3 * subject
            got_edv, got_esv = edv + rng.normal(2, 5), esv + rng.normal(1, 4)
            ef = 1 - got_esv / got_edv
            got, true = (got_edv, got_esv, ef), (edv, esv, 1 - esv / edv)
            rows.append((labeller, f"{subject:03d}", "test", *got, *true))
    sides = [f"{s}_{v}" for s in ("predicted", "reference") for v in ("edv_ml", "esv_ml", "ef")]
    return against_truth(pd.DataFrame(rows, columns=["labeller", "subject", "split", *sides]))


def scores(dice: bool = True) -> pd.DataFrame:
    table = pd.DataFrame({"subject": list("abcdef"), "score": [0.01, 0.04, 0.08, 0.12, 0.3, 2.0]})
    table["set"] = ["c05", "c05", "c10", "c15", "", ""]
    if dice:
        table["dice_lv"], table["dice_my"] = 0.95 - table["score"] / 5, 0.85 - table["score"] / 5
    return table


def curves() -> pd.DataFrame:
    rows = [
        (labeller, f"s{subject}", frame, 100 + 40 * np.cos(2 * np.pi * frame / 10) * (subject + 1))
        for labeller in ("truth", *MODELS)
        for subject in range(3)
        for frame in range(10)
    ]
    return pd.DataFrame(rows, columns=["labeller", "subject", "frame", "lv_ml"])


def ends(ed: int = 0, es: int = 5) -> pd.DataFrame:
    """Measures of every curve of `curves`: its largest and smallest volume are in 0 and 5."""
    rows = curves()[["labeller", "subject"]].drop_duplicates()
    stroke = 80.0 * (rows["subject"].str[1:].astype(int) + 1)
    return rows.assign(sv_ml=stroke, ed_frame=ed, es_frame=es)


def history() -> pd.DataFrame:
    rows = [
        (model, epoch, phase, 1 / (epoch + 1), 1.1 / (epoch + 1), 0.9, 0.8)
        for model in MODELS
        for epoch, phase in enumerate(["frozen", "frozen", "whole", "whole"])
    ]
    return pd.DataFrame(rows, columns=[*learning_curves.COLUMNS, "dice_lv", "dice_my"])


def transfer() -> pd.DataFrame:
    rows = [
        (f"{strategy}_{subset}", strategy, subset, f"v{n}", "test", 0.9 - n / 50, 0.8 - n / 50)
        for strategy in ("plain", "double")
        for subset in ("all", "v1")
        for n in range(3)
    ]
    columns = "model strategy subset subject split dice_lv dice_my"
    return pd.DataFrame(rows, columns=columns.split())


def stacked_images(labellers=("net", "other"), slices: int = 7) -> pd.DataFrame:
    """Images of two subjects; the cavity is larger at low slices, and the last slice has none."""
    rows = [
        (name, subject, "test", z, t, 0.9 - z / 20, 0.8 - z / 20, 2.0 + z, 3.0 + z, 60 - 10 * z)
        for name in labellers
        for subject in "ab"
        for z in range(slices)
        for t in range(2)
    ]
    columns = "labeller subject split slice frame dice_lv dice_my hausdorff_lv_mm hausdorff_my_mm"
    return pd.DataFrame(rows, columns=[*columns.split(), "lv_lv"])


def observer_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    pairs = [("expert1", "expert2"), ("expert1", "double_all"), ("expert2", "double_all")]
    rows = [(v, *pair, 4.0, 6.0, 8.0, 5.0) for v in "abc" for pair in pairs]
    dice = [(v, *pair, 0.93, 0.81) for v in "abc" for pair in pairs]
    return (
        pd.DataFrame(rows, columns=list(observers.COLUMNS)),
        pd.DataFrame(dice, columns=list(observers.DICE_COLUMNS)),
    )


def case(kind: str = "best") -> overlays.Case:
    y, x = np.mgrid[:48, :48]
    radius = np.hypot(y - 24, x - 24)
    labels = np.where(radius < 8, Tissue.LV, np.where(radius < 12, Tissue.MYO, 0)).astype(np.uint8)
    image = np.where(radius < 8, 900.0, 200.0) + x
    affine = np.diag([1.5, 1.5, 8, 1.0])
    dice = {Tissue.LV: 1.0, Tissue.MYO: float("nan")}
    return overlays.Case(kind, "7_a", 3, 0, image, labels, labels, affine, dice)


def stacks() -> tuple[list[cleaning.Stack], pd.DataFrame]:
    image = np.outer(np.arange(30.0), np.ones(24))
    before = [(8.0 * n, image) for n in (0, 1, 1, 3)]
    after = np.broadcast_to(image, (2, 4, 30, 24))
    audit = audit_kinds.Audit("123")
    audit.add(audit_kinds.REPEATED_STACK, "sax_5")
    audit.add(audit_kinds.SPACING_MISSING, "sax_6")
    return [cleaning.Stack("123", before, [1.5] * 4, after, (8, 1.5, 1.5))], audit.table()


def areas() -> pd.DataFrame:
    details = aorta({"a": [700.0, 800, 720, 700], "b": [600.0, 0, 610, 600]})
    table = measure_curves.curves_of("aorta", measured("a", "b"), details)
    return pd.concat([table.assign(panel=panel) for panel in PANELS])


def hearts() -> pd.DataFrame:
    """Strain of three hearts by tagging."""
    return strain_details(a=(1, 0.9, 0.8, 1), b=(1, 0.95, 0.85, 1), c=(1, 0.98, 0.9, 1))


def every_figure():
    every = dict.fromkeys(PANELS, 2)
    return {
        "agreement_by_level": lambda: by_level.figure(by_level.by_level(stacked_images(), {})),
        "bulls_eye": lambda: bulls_eye.figure(thickness(), [SEGMENTAL["wt"]], PANELS),
        "cleaning": lambda: cleaning.figure(*stacks()),
        "confidence": lambda: confidence.figure(scores()),
        "ef_error": lambda: ef_error.figure(volumes()),
        "learning_curves": lambda: learning_curves.figure(history()),
        "measure_agreement": lambda: measure_agreement.figure(phenotypes(), ["la_ef"], PANELS),
        "measure_curves": lambda: measure_curves.figure(areas(), "aorta", PANELS, every),
        "observers": lambda: observers.figure(*observer_tables()),
        "overlays": lambda: overlays.figure([case("best"), case("worst")]),
        "strain_conventions": lambda: strain_conventions.figure(conventions_table(hearts()), 3),
        "strain_curves": lambda: strain_curves.figure(hearts()),
        "strategies": lambda: strategies.figure(transfer()),
        "volume_agreement": lambda: volume_agreement.figure(volumes()),
        "volume_curves": lambda: volume_curves.figure(curves(), ends()),
    }


def texts(figure) -> str:
    found = figure.findobj(matplotlib.text.Text)
    return "\n".join(text.get_text() for text in found if text.get_text())
