"""Sources that can be downloaded, published weights to convert, and which of them are missing."""

from collections.abc import Callable
from typing import Any

from study.given import CATALOGUE, CONVERTED, without_words
from study.sources import read_checksums, read_sources
from study.study import IMAGENET, Study
from study.tables import own_file, read_yaml
from study.wiring.wildcards import Wildcards

FETCHED = "resources/raw"


class Sources:
    """Entries of sources and of published weights.

    Existing files are kept: no edit, --forceall or --delete-all-output may remove hours of
    download, or the only copy. To download a source again, remove its folder by hand.

    exists: whether a path exists, as Snakemake sees it. Raises StudyError naming the file or
    entry that is wrong.
    """

    def __init__(self, study: Study, exists: Callable[[str], bool]):
        self.study, self.exists = study, exists
        self.entries = read_sources()
        self.checksums = read_checksums()
        self.catalogue: dict[str, dict[str, Any]] = read_yaml(own_file(CATALOGUE))

    # -- sources -----------------------------------------------------------------------------

    def to_fetch(self) -> list[str]:
        return [source for source in self.entries if not self._is_fetched(source)]

    def entry(self, wildcards: Wildcards) -> dict[str, Any]:
        return self.entries[wildcards.source]

    def files(self, wildcards: Wildcards) -> list[dict[str, str]]:
        return self.checksums.get(wildcards.source, [])

    def _is_fetched(self, source: str) -> bool:
        return self.exists(f"{FETCHED}/{source}")

    # -- weights -----------------------------------------------------------------------------

    def to_convert(self) -> list[str]:
        """Weights put in place by hand are kept while their source is absent."""
        return [
            name
            for name, entry in self.catalogue.items()
            if self._is_fetched(entry["source"])
            or not self.exists(f"{CONVERTED}/{name}/weights.safetensors")
        ]

    def encoders_to_convert(self) -> list[str]:
        """The same for the weights of encoders."""
        sources = [source for source in self.entries if source.startswith("imagenet_")]
        encoders = [source.removeprefix("imagenet_") for source in sources]
        return [
            encoder
            for encoder in encoders
            if self._is_fetched(f"imagenet_{encoder}")
            or not self.exists(IMAGENET.format(encoder=encoder))
        ]

    def converted_cards(self) -> list[str]:
        """Cards of the published weights that the study uses and the workflow converts."""
        folders = {f"{CONVERTED}/{name}" for name in self.to_convert()}
        used = [about["folder"] for about in self.study.given.values()]
        return [f"{folder}/README.md" for folder in used if folder in folders]

    def weights_entry(self, wildcards: Wildcards) -> dict[str, Any]:
        return self.catalogue[wildcards.weights]

    def conversion_entry(self, wildcards: Wildcards) -> dict[str, Any]:
        return without_words(self.weights_entry(wildcards))

    def weights_raw(self, wildcards: Wildcards) -> str:
        return f"{FETCHED}/{self.weights_entry(wildcards)['source']}"
