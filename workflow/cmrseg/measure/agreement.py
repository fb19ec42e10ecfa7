"""Agreement of two measurements: Bland-Altman, correlations, and errors of EF and volumes."""

import math
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

# Quantiles are those of scipy.special, which scipy.stats calls, too: loading that takes longer than
# to compare a cohort.

# Makes the median absolute deviation of normal data an estimate of their SD (1/0.6745).
MAD_SCALE = 1.4826

# Normal quantile of the limits of agreement: 95 % of differences lie within them.
LIMIT_Z = 1.959963984540054


def summary(values: ArrayLike) -> dict[str, float]:
    """n, mean, sd (n - 1), median, q25, q75, iqr and mad (x 1.4826) of the values that are not nan.

    Quantiles are interpolated linearly. What too few values leave undefined is nan.
    """
    x = np.asarray(values, float)
    x = x[~np.isnan(x)]
    names = ("mean", "sd", "median", "q25", "q75", "iqr", "mad")
    if not x.size:
        return {"n": 0, **dict.fromkeys(names, math.nan)}
    q25, median, q75 = np.quantile(x, [0.25, 0.5, 0.75])
    sd = float(x.std(ddof=1)) if x.size > 1 else math.nan
    mad = MAD_SCALE * float(np.median(np.abs(x - median)))
    found = (float(x.mean()), sd, float(median), float(q25), float(q75), float(q75 - q25), mad)
    return {"n": int(x.size), **dict(zip(names, found, strict=True))}


def bland_altman(
    first: ArrayLike,
    second: ArrayLike,
    confidence: float = 0.95,
    limits: Literal["approximate", "exact"] = "exact",
) -> dict[str, float]:
    """Bias of `first` against `second`, limits of agreement, and their confidence intervals.

    Differences are first - second; pairs with a nan are left out. Returns n, bias, sd (n - 1),
    lower and upper (bias -/+ 1.96 sd), and each of bias, lower, upper with `_low` and `_high`.
    The bias has the t interval. The limits have the interval of Bland and Altman 1999
    (doi:10.1177/096228029900800204) if "approximate": t times sd sqrt(1/n + 1.96²/(2(n - 1))),
    or the exact one of a normal quantile, from the non-central t distribution (Carkeet 2015,
    doi:10.1097/OPX.0000000000000513). What too few pairs leave undefined is nan.
    """
    if limits not in ("approximate", "exact"):
        raise ValueError(f"limits must be 'approximate' or 'exact', got {limits!r}")
    x, y = _pairs(first, second)
    names = ["lower", "upper", "bias_low", "bias_high"]
    names += ["lower_low", "lower_high", "upper_low", "upper_high"]
    n = x.size
    bias = float((x - y).mean()) if n else math.nan
    if n < 2:
        return {"n": n, "bias": bias, "sd": math.nan, **dict.fromkeys(names, math.nan)}
    sd = float((x - y).std(ddof=1))
    lower, upper = bias - LIMIT_Z * sd, bias + LIMIT_Z * sd
    half = float(special.stdtrit(n - 1, (1 + confidence) / 2)) * sd
    bias_half = half / math.sqrt(n)
    if limits == "approximate":
        inner = outer = half * math.sqrt(1 / n + LIMIT_Z**2 / (2 * (n - 1)))
    else:
        tails = ((1 - confidence) / 2, (1 + confidence) / 2)
        near, far = special.nctdtrit(n - 1, LIMIT_Z * math.sqrt(n), tails) * sd / math.sqrt(n)
        inner, outer = LIMIT_Z * sd - float(near), float(far) - LIMIT_Z * sd
    found = [lower, upper, bias - bias_half, bias + bias_half]
    found += [lower - outer, lower + inner, upper - inner, upper + outer]
    return {"n": n, "bias": bias, "sd": sd, **dict(zip(names, found, strict=True))}


def pearson(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> dict[str, float]:
    """Pearson's correlation: n, r, t (of r = 0), r_low and r_high (Fisher's z transform).

    Pairs with a nan are left out. r is nan for constant values, the interval below four pairs.
    """
    x, y = _pairs(first, second)
    result = {"n": x.size, **dict.fromkeys(("r", "t", "r_low", "r_high"), math.nan)}
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return result
    # Plain sums: those of corrcoef round as the linear algebra library's kernels do.
    dx, dy = x - x.mean(), y - y.mean()
    r = float((dx * dy).sum() / math.sqrt((dx * dx).sum() * (dy * dy).sum()))
    if 1 - abs(r) < 1e-12:  # a line up to rounding: both transforms are infinite
        r = math.copysign(1.0, r)
    result["r"] = r
    result["t"] = r * math.sqrt((x.size - 2) / (1 - r**2)) if abs(r) < 1 else r * math.inf
    if x.size > 3:
        half = float(special.ndtri((1 + confidence) / 2)) / math.sqrt(x.size - 3)
        z = math.atanh(r) if abs(r) < 1 else r * math.inf
        result["r_low"], result["r_high"] = math.tanh(z - half), math.tanh(z + half)
    return result


def spearman(first: ArrayLike, second: ArrayLike) -> dict[str, float]:
    """Spearman's rank correlation: n, rho; ties share their mean rank.

    Pairs with a nan are left out. rho is nan for constant values.
    """
    x, y = _pairs(first, second)
    found = pearson(pd.Series(x).rank(), pd.Series(y).rank()) if x.size else {"r": math.nan}
    return {"n": x.size, "rho": found["r"]}


def paired_t_test(first: ArrayLike, second: ArrayLike) -> dict[str, float]:
    """Two-sided p-value of a mean difference of 0: n, p. Pairs with a nan are left out.

    nan below two pairs, and where all pairs are equal.
    """
    x, y = _pairs(first, second)
    difference = x - y
    if x.size < 2 or not difference.any():
        return {"n": x.size, "p": math.nan}
    error = float(difference.std(ddof=1)) / math.sqrt(x.size)
    if error == 0:
        return {"n": x.size, "p": 0.0}
    return {"n": x.size, "p": float(2 * special.stdtr(x.size - 1, -abs(difference.mean()) / error))}


def icc_agreement(ratings: np.ndarray, confidence: float = 0.95) -> dict[str, float]:
    """Intraclass correlation for absolute agreement of single ratings: n, icc, icc_low, icc_high.

    ratings: (subjects, raters); rows with a nan are left out. ICC(2,1) of Shrout and Fleiss 1979
    (doi:10.1037/0033-2909.86.2.420) = ICC(A,1) of McGraw and Wong 1996, with the latter's
    interval (doi:10.1037/1082-989X.1.1.30). nan below two subjects or where nothing varies.
    """
    table = np.asarray(ratings, float)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"ratings must be (subjects, two or more raters), got {table.shape}")
    table = table[~np.isnan(table).any(axis=1)]
    n, k = table.shape
    result = {"n": n, **dict.fromkeys(("icc", "icc_low", "icc_high"), math.nan)}
    if n < 2 or np.ptp(table) == 0:
        return result
    mean = table.mean()
    rows = k * float(((table.mean(axis=1) - mean) ** 2).sum()) / (n - 1)
    columns = n * float(((table.mean(axis=0) - mean) ** 2).sum()) / (k - 1)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + mean
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    icc = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    if 1 - icc < 1e-12:  # equal up to rounding: the interval would be 0/0
        return {**result, "icc": icc, "icc_low": icc, "icc_high": icc}
    a, b = k * icc / (n * (1 - icc)), 1 + k * icc * (n - 1) / (n * (1 - icc))
    spread = (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    result["icc"] = icc
    if spread == 0:  # the subjects are all alike and the raters differ by a constant
        return result
    freedom = (a * columns + b * error) ** 2 / spread
    tail = (1 + confidence) / 2
    f_low, f_high = special.fdtri(n - 1, freedom, tail), special.fdtri(freedom, n - 1, tail)
    within = k * columns + (k * n - k - n) * error
    result["icc_low"] = float(n * (rows - f_low * error) / (f_low * within + n * rows))
    result["icc_high"] = float(n * (f_high * rows - error) / (within + n * f_high * rows))
    return result


def ef_difference(
    true_edv_ml: ArrayLike,
    true_esv_ml: ArrayLike,
    edv_ml: ArrayLike,
    esv_ml: ArrayLike,
    undefined: Literal["nan", "one"] = "nan",
) -> np.ndarray:
    """Known minus predicted ejection fraction, as fractions.

    undefined: value where the predicted end-diastolic volume is 0: "nan", or "one" (100 points)
    as Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
    """
    if undefined not in ("nan", "one"):
        raise ValueError(f"undefined must be 'nan' or 'one', got {undefined!r}")
    difference = ejection_fractions(true_edv_ml, true_esv_ml) - ejection_fractions(edv_ml, esv_ml)
    if undefined == "one":
        difference[np.asarray(edv_ml, float) == 0] = 1.0
    return difference


def max_volume_error(
    true_edv_ml: ArrayLike,
    true_esv_ml: ArrayLike,
    edv_ml: ArrayLike,
    esv_ml: ArrayLike,
    kind: Literal["signed", "absolute"] = "absolute",
) -> np.ndarray:
    """The larger relative volume error of end diastole and end systole, as a fraction.

    "absolute": max(|e_dia|, |e_sys|). "signed": max(e_dia, e_sys), the published choice, in which
    -30 % and -5 % give -5 % (Ankenbrand et al. 2021; their tables show its absolute value).
    nan where a true volume is 0.
    """
    if kind not in ("signed", "absolute"):
        raise ValueError(f"kind must be 'signed' or 'absolute', got {kind!r}")
    pairs = ((true_edv_ml, edv_ml), (true_esv_ml, esv_ml))
    true = [np.asarray(known, float) for known, _ in pairs]
    errors = np.stack(
        [
            (np.asarray(volume, float) - known) / np.where(known == 0, np.nan, known)
            for known, (_, volume) in zip(true, pairs, strict=True)
        ]
    )
    return (np.abs(errors) if kind == "absolute" else errors).max(axis=0)


def good_ef_bad_volume(
    true_edv_ml: ArrayLike,
    true_esv_ml: ArrayLike,
    edv_ml: ArrayLike,
    esv_ml: ArrayLike,
    kind: Literal["signed", "absolute"] = "absolute",
    good_ef: float = 0.10,
    bad_volume: float = 0.20,
) -> np.ndarray:
    """True where EF is right although the volumes are wrong: (n,) bool.

    The relative EF error is at most good_ef, the larger relative volume error (see
    max_volume_error) above bad_volume in size. An undefined predicted EF is never good.
    """
    truth = true_edv_ml, true_esv_ml
    relative = ef_difference(*truth, edv_ml, esv_ml) / ejection_fractions(*truth)
    volume = np.abs(max_volume_error(*truth, edv_ml, esv_ml, kind))
    return (np.abs(relative) <= good_ef) & (volume > bad_volume)


def ejection_fractions(edv_ml: ArrayLike, esv_ml: ArrayLike) -> np.ndarray:
    """Ejection fractions as fractions, (n,); nan where the end-diastolic volume is 0."""
    edv, esv = np.asarray(edv_ml, float), np.asarray(esv_ml, float)
    return (edv - esv) / np.where(edv == 0, np.nan, edv)


def _pairs(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(first, float), np.asarray(second, float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"measurements must come in pairs, got shapes {x.shape} and {y.shape}")
    keep = ~(np.isnan(x) | np.isnan(y))
    return x[keep], y[keep]
