"""What a model has seen of a cohort: its numbers there are better than those of new subjects."""

from study.study import Study

# The schedule that takes the epoch which is best on the validation set.
EARLY_STOPPING = "early_stopping"


def seen_splits(study: Study, cohort: str, labeller: str) -> set[str]:
    """Splits of a cohort from which a model learnt, itself or by its start or coarse model.

    An ensemble with folds labels what it was trained on by members that have not seen it.
    """
    if study.folds(labeller, cohort) is not None:
        return set()
    waiting = [labeller, *study.members(labeller)]
    done: set[str] = set()
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        row = study.models.get(name)
        if row is None or name in done:
            continue
        done.add(name)
        if row["cohort"] == cohort:
            found |= set(row["splits"].split(","))
            if row["schedule"] == EARLY_STOPPING:
                found.add("validate")
        waiting += [row["start"], row["coarse"]]
        waiting += [*study.members(row["coarse"])] if row["coarse"] else []
    return found
