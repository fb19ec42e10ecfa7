"""Boosted trees as plain numbers: fitted by scikit-learn, stored and applied without it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Trees(NamedTuple):
    """A sum of regression trees; nodes of all trees lie behind one another.

    names: features in their order. fill: what stands for a missing value, the median. roots: first
    node of each tree. feature: of a node, -1 of a leaf. threshold: values up to it go to `left`,
    others to `right`. value: of leaves, what they add. base: the sum of no tree.
    """

    names: tuple[str, ...]
    fill: np.ndarray
    base: float
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    def predict(self, table: Mapping[str, Any]) -> np.ndarray:
        """(n,) sums; table: a column for each name. Raises ValueError naming a missing one."""
        missing = [name for name in self.names if name not in table]
        if missing:
            raise ValueError(f"feature {', '.join(missing)} is missing; measure the quality again")
        values = filled(matrix(table, self.names), self.fill)
        total = np.full(len(values), self.base)
        rows = np.arange(len(values))
        for root in self.roots:
            node = np.full(len(values), root)
            while (inner := self.feature[node] >= 0).any():
                here = node[inner]
                goes_left = values[rows[inner], self.feature[here]] <= self.threshold[here]
                node[inner] = np.where(goes_left, self.left[here], self.right[here])
            total += self.value[node]
        return total

    def plain(self) -> dict[str, Any]:
        """As lists of numbers, for JSON; numbers are exact."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in self._asdict().items()
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Trees":
        """Trees from what `plain` gave."""
        kinds = {"fill": np.float32, "threshold": float, "value": float}
        found = dict(plain)
        for name in ("fill", "roots", "feature", "threshold", "left", "right", "value"):
            found[name] = np.asarray(plain[name], kinds.get(name, np.int64))
        return cls(**{**found, "names": tuple(plain["names"])})


class Boosting(NamedTuple):
    """Settings of scikit-learn's GradientBoostingRegressor; part: of the rows, for each tree."""

    trees: int
    depth: int
    rate: float
    least_leaf: int
    part: float = 0.5


def matrix(table: Mapping[str, Any], names: Sequence[str]) -> np.ndarray:
    """(n, names) float32 of a table, in which scikit-learn compares."""
    return np.stack([np.asarray(table[name], np.float32) for name in names], axis=1)


def filled(values: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Values (n, k) with `fill` (k,) where they are nan."""
    return np.where(np.isnan(values), fill, values)


def boosted(
    table: Mapping[str, Any],
    names: Sequence[str],
    target: np.ndarray,
    settings: Boosting,
    seed: int,
    weights: np.ndarray | None = None,
) -> Trees:
    """Trees that predict `target` (n,) from the columns `names` of a table.

    Columns without any value are left out.
    """
    # Loaded here: what is stored is applied without it.
    from sklearn.ensemble import GradientBoostingRegressor

    values = matrix(table, names)
    known = ~np.isnan(values).all(axis=0)
    names = [name for name, there in zip(names, known, strict=True) if there]
    values = values[:, known]
    fill = np.nanmedian(values, axis=0).astype(np.float32)
    model = GradientBoostingRegressor(
        n_estimators=settings.trees,
        max_depth=settings.depth,
        learning_rate=settings.rate,
        min_samples_leaf=min(settings.least_leaf, max(len(target) // 4, 1)),
        subsample=settings.part,
        max_features=0.5,
        random_state=seed,
    ).fit(filled(values, fill), target, weights)
    parts = [tree.tree_ for tree in model.estimators_[:, 0]]
    roots = np.cumsum([0, *(part.node_count for part in parts)])[:-1]
    leaf = [part.children_left < 0 for part in parts]

    def joined(each: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(each)

    return Trees(
        names=tuple(names),
        fill=fill,
        base=float(model.init_.constant_[0, 0]),
        roots=roots,
        feature=joined([np.where(at, -1, p.feature) for p, at in zip(parts, leaf, strict=True)]),
        threshold=joined(
            [np.where(at, 0.0, p.threshold) for p, at in zip(parts, leaf, strict=True)]
        ),
        left=joined([p.children_left + root for p, root in zip(parts, roots, strict=True)]),
        right=joined([p.children_right + root for p, root in zip(parts, roots, strict=True)]),
        value=joined([settings.rate * p.value[:, 0, 0] for p in parts]),
    )
