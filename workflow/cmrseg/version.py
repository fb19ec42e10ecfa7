"""The version of this software, as reports and exports state it; that of pyproject.toml."""

VERSION = "0.1.0"
