"""Values on the command line that are text, even if they look like numbers."""

from collections.abc import Iterable
from typing import Any

# Keys whose values are names and paths, in a study or together with `input`.
TEXT = ("study", "published_tables", "input", "model", "subject", "series", "mode", "title")


def as_typed(config: dict[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """The config with names and paths as typed: `subject=071` is text, not a number.

    words: the values after `--config`, as `key=value`; Snakemake converts values that look like
    numbers.
    """
    typed = dict(word.split("=", 1) for word in words if "=" in word)
    text = {key: value.strip("'\"") for key, value in typed.items() if key in TEXT}
    return config | {
        key: value
        for key, value in text.items()
        if key in config and value and not isinstance(config[key], str)
    }
