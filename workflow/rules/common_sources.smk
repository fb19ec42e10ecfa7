# What can be fetched, and what published weights are made of.
from snakemake.exceptions import WorkflowError

from study_sources import read_checksums, read_sources
from study_tables import StudyError, read_yaml
from study_weights import CATALOGUE as CATALOGUE_FILE, CONVERTED

try:
    SOURCES = read_sources()
    CHECKSUMS = read_checksums()
    CATALOGUE = read_yaml(CATALOGUE_FILE)
except StudyError as error:
    raise WorkflowError(str(error))
ENCODERS = ["resnet34", "resnet50", "vgg16_bn"]
# A folder put in place by hand stays, and needs no download.
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


def catalogue_raw(wildcards):
    return f"resources/raw/{CATALOGUE[wildcards.weights]['source']}"
