# What can be fetched, and what published weights are made of.
from snakemake.exceptions import WorkflowError

from study.sources import read_checksums, read_sources
from study.tables import read_yaml
from study.given import CATALOGUE as CATALOGUE_FILE, CONVERTED, without_words

try:
    SOURCES = read_sources()
    CHECKSUMS = read_checksums()
    CATALOGUE = read_yaml(own_file(CATALOGUE_FILE))
except StudyError as error:
    raise WorkflowError(str(error))
ENCODERS = [
    source.removeprefix("imagenet_")
    for source in SOURCES
    if source.startswith("imagenet_")
]
# What is there stays, whoever put it there: no edit, --forceall or --delete-all-output may remove hours of download,
# or the only copy. Removing the folder by hand fetches it anew.
TO_FETCH = [source for source in SOURCES if not exists(f"resources/raw/{source}")]
# Weights put in place by hand need no download, and stay as long as their source is not there.
TO_CONVERT = [
    name
    for name, entry in CATALOGUE.items()
    if exists(f"resources/raw/{entry['source']}")
    or not exists(f"{CONVERTED}/{name}/weights.safetensors")
]
# The same of a file with an encoder's weights.
ENCODERS_TO_CONVERT = [
    encoder
    for encoder in ENCODERS
    if exists(f"resources/raw/imagenet_{encoder}")
    or not exists(IMAGENET.format(encoder=encoder))
]


def source_entry(wildcards):
    return SOURCES[wildcards.source]


def source_files(wildcards):
    return CHECKSUMS.get(wildcards.source, [])


def catalogue_entry(wildcards):
    return CATALOGUE[wildcards.weights]


def conversion_entry(wildcards):
    return without_words(catalogue_entry(wildcards))


def converted_cards():
    """Cards of the published weights that the study uses and the workflow converts."""
    folders = {f"{CONVERTED}/{name}" for name in TO_CONVERT}
    used = [about["folder"] for about in STUDY.given.values()]
    return [f"{folder}/README.md" for folder in used if folder in folders]


def catalogue_raw(wildcards):
    return f"resources/raw/{CATALOGUE[wildcards.weights]['source']}"
