"""Loading of a study: reading and checking it."""

from typing import Any

from study.checks import check_study
from study.study import Study


def load_study(config: dict[str, Any]) -> Study:
    """The study of a config, checked before any job starts.

    config: the study's mapping, as read from YAML. Raises StudyError naming the key, row or name
    that is wrong.
    """
    study = Study(config)
    check_study(study)
    return study
