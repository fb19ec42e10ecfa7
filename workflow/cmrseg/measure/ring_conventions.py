"""The same hearts in every convention of strain, from the curves of a measure of tagged cines."""

import pandas as pd

from cmrseg.measure.ring_curves import CONVENTIONS
from cmrseg.measure.strain_times import peak_of

KEYS = ("subject", "direction", "layer", "place")
COLUMNS = (*KEYS, "tensor", "average", "es_percent", "peak_percent", "peak_frame")


def conventions_table(curves: pd.DataFrame) -> pd.DataFrame:
    """Strain of each subject, layer and place in every convention: COLUMNS, a row each.

    curves: details of the measure `tagging`: KEYS, frame, phase ("es" at end-systole) and a column
    of strain for each of CONVENTIONS. es_percent: at end-systole, nan where it is unknown.
    peak_percent, peak_frame: the greatest strain, nan where a frame before it, or the one after, is
    unknown.
    """
    rows = []
    for key, own in curves.groupby(list(KEYS), sort=False):
        own = own.sort_values("frame")
        at_es = own["phase"] == "es"
        for (tensor, average), column in CONVENTIONS.items():
            peak = peak_of(own[column].to_numpy(float), str(key[1]))
            es = own.loc[at_es, column]
            rows.append((*key, tensor, average, float(es.mean()), peak.value, peak.frame))
    return pd.DataFrame(rows, columns=list(COLUMNS))
