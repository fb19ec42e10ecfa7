"""The version that exports name; as in pyproject.toml, which a stage does not read."""

VERSION = "0.1.0"
