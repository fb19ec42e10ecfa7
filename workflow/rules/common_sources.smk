# What can be fetched, and what published weights are made of.
import csv

import yaml

from study_weights import CONVERTED


def read_yaml(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def read_checksums(path):
    """Rows of the table of checksums, by source."""
    found = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found.setdefault(row.pop("source"), []).append(row)
    return found


SOURCES = read_yaml("resources/sources.yaml")
CHECKSUMS = read_checksums("resources/checksums.tsv")
CATALOGUE = read_yaml("resources/weights.yaml")
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
