"""Damaged files of every kind: a result, an audited repair, or an error that names the file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bad_input import FAMILIES, MOST_BYTES, MOST_SECONDS
from tiny_study import ROOT, environment

pytestmark = pytest.mark.slow
# Families that share a process, as starting one takes longer than many cases.
BATCHES = (
    ("dicom", "nifti", "pictures"),
    ("qmass", "text", "cvi42", "masks", "frames", "volumes"),
    ("hdf5",),
    ("tables", "config", "archives", "sources", "weights"),
)
# Cases of a family; fewer would mean that a mutator yields nothing.
LEAST_CASES = {
    "dicom": 200,
    "nifti": 150,
    "hdf5": 250,
    "config": 100,
    "tables": 200,
    "weights": 150,
}
LEAST_OF_ANY, LEAST_IN_ALL = 40, 1000
# What the stages say that they raise; `Lost` stands for a row of the audit that ends an import.
DOCUMENTED = {
    *("Lost", "StudyError", "ValueError", "OSError", "FileNotFoundError", "FileExistsError"),
    "PermissionError",
}
# An error that is none of the project's, in the words of Python.
UNFORESEEN = re.compile(r"Traceback|: other: .*\b\w+(Error|Exception)\b|MemoryError|\bobject at 0x")


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, list[dict]]:
    """What every case ended with, by family."""
    found: dict[str, list[dict]] = {name: [] for name in FAMILIES}
    for names in BATCHES:
        for line in run(tmp_path_factory.mktemp("bad"), names):
            if "family" in line:
                found[line["family"]].append(line)
    return found


def run(folder: Path, names: tuple[str, ...]) -> list[dict]:
    """Run some families in a process of their own; its lines."""
    paths = {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, str(ROOT / "tests/helpers/bad_input.py"), str(folder), *names],
        env=environment() | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0, f"died after {lines[-1:]}: {result.stderr[-3000:]}"
    return lines


def shown(case: dict) -> str:
    keys = ("name", "outcome", "kind", "seconds", "message", "trace")
    return "\n".join(f"{key}: {case[key]}" for key in keys)


@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_input_ends_with_a_result_or_with_a_sentence_that_names_it(told, family):
    assert len(told[family]) >= LEAST_CASES.get(family, LEAST_OF_ANY)
    for case in told[family]:
        assert case["outcome"] in ("ok", "audited", "error"), shown(case)
        assert not UNFORESEEN.search(case["message"]), shown(case)
        if case["outcome"] == "error":
            assert case["kind"] in DOCUMENTED, shown(case)
            assert any(name in case["message"] for name in FAMILIES[family].names), shown(case)
            assert len(case["message"].split()) > 3, shown(case)


@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_input_takes_neither_long_nor_much_memory(told, family):
    for case in told[family]:
        assert case["seconds"] < MOST_SECONDS, shown(case)
        assert case["bytes"] < MOST_BYTES, shown(case)


def test_the_corpus_is_large_and_not_all_of_it_is_refused(told):
    cases = [case for family in told.values() for case in family]
    assert len({(case["family"], case["name"]) for case in cases}) >= LEAST_IN_ALL
    for outcome in ("ok", "audited", "error"):
        assert sum(case["outcome"] == outcome for case in cases) > 30


# What went wrong before: the memory was taken, the program waited, an error had no name, or the
# result had values that are none. Ends of the cases' names, and what is said of them now.
FOUND = [
    ("dicom", "a deflated bomb", "deflated data of 67108864 bytes or more; copy the file"),
    ("dicom", "RLE of 65535 x 65535", "4294836225 pixels declared, expected at most 16777216"),
    ("dicom", "RLE of 1000000 frames", "pixels declared, expected at most 16777216; copy"),
    ("dicom", "slices: RescaleSlope 1e+300", "expected a slope that gives finite pixels; repair"),
    ("dicom", "PixelSpacing [1000000000.0, 1000000000.0]", "two positive lengths up to a metre"),
    ("dicom", "slices: PixelSpacing [1e-300, 1.25]", "two positive lengths up to a metre"),
    ("dicom", "ImagePositionPatient [1000000000.0, 0, 0]", "expected mm up to 100000; repair"),
    ("nifti", "gz: a bomb", r"voxels need 1610612736 bytes, and the file has \d+; copy it again"),
    ("nifti", "an extension that is a bomb", "voxels start at byte .*, expected 0 to 16777216"),
    ("nifti", "7.nii: 32767 along every axis", "voxels need .* bytes, and the file has"),
    ("nifti", "dim[1] is -1", r"shape \(-1, .*expected at least 1 voxel along every axis"),
    ("nifti", "datatype is 12345", "datatype is 12345, no code of numbers"),
    ("nifti", "xyzt_units is 7", "xyzt_units is 7, which is no unit; mend the header"),
    ("nifti", "scl_slope is 3e+38", "too large for single precision; repair the slope"),
    ("nifti", "a voxel is 1e+300", "grey values up to 1e\\+300 are too large for single"),
    ("nifti", "srow_x[0] is 3e+38", "voxels are .* mm apart along z, y, x, expected 0.0001 to"),
    ("nifti", "srow_x[3] is 3e+38", "the first voxel is at .* mm, expected within 1e"),
    ("pictures", "picture bomb", "900000000 pixels.*exceeds limit|at most 16777216 are read"),
    ("pictures", "12000 x 12000 pixels of 16 bit", "at most 16777216 are read"),
    ("pictures", "1e9 columns", r"10 x 12 pixels \(X x Y\), patient_dimensions.tsv has 1000000000"),
    ("pictures", "10.5 columns", "sizes of 7 are 10.5 x 12.0, expected pixels"),
    ("pictures", "frame 999999999", "png is missing, expected 1000000000 frames"),
    ("qmass", "a pipe", "7.con: is a folder, a pipe or a device, expected a file"),
    ("qmass", "3.000 3.000 became 1e30 1e30", "1e\\+30 1e\\+30 is not a point within an image"),
    ("cvi42", "<Hash:item became <!DOCTYPE z", "7.cvi42wsx: line \\d+: a document type, which wor"),
    ("text", "a link to a device", "is a folder, a pipe or a device, expected a file"),
    ("masks", "truth/train/train/7/study/sax_1/IM-0001-0005.png: noise", "not a readable picture"),
    ("volumes", "2 GB of frames", "subject 7: labels of truth: .*voxels need 2147483648 bytes"),
    (
        "hdf5",
        "images of raw/7.h5: 2 TB in chunks",
        r"need \d+ bytes, and the file has \d+; copy it again",
    ),
    ("hdf5", "images of raw/7.h5: a chunk of 2 GB", "need 2000000000 bytes each; write it anew"),
    (
        "hdf5",
        "images of raw/7.h5: a chunk that is a bomb",
        r"a chunk of 2880 bytes has \d+ in the file; copy it",
    ),
    ("hdf5", "images of raw/7.h5: a link elsewhere", "to elsewhere, which is not followed; copy"),
    ("hdf5", "images of raw/7.h5: data elsewhere", "lie in other files, which are not opened;"),
    ("tables", "models.tsv: as utf-16", "models.tsv: is not text in UTF-8"),
    ("tables", "subjects.tsv: a pipe", "is a folder, a pipe or a device, expected a file"),
    ("tables", "solution.csv: -1 for a number", "volumes of study .*are no numbers above 0; fetch"),
    ("config", "a cycle in its subjects", "nested deeper than 20 levels, or more than 1000000"),
    ("config", "a billion laughs", "nested deeper than 20 levels, or more than 1000000 items"),
    ("config", "not a number as fraction", "nan is not a usable number"),
    ("config", "a name with a line end", "has a line end or other unseen sign, or is longer"),
    ("config", "weights with a long path", "has a line end or other unseen sign, or is longer"),
    ("config", "record.json: deep", "not the record of a model"),
    ("config", "weights.yaml: a list", "weights.yaml: expected keys and values"),
    ("config", "weights.yaml: not UTF-8", "weights.yaml: cannot be read as YAML"),
    ("archives", "a.zip: a pipe", "is a folder, a pipe or a device, expected a file"),
    ("archives", "a.zip: beginning lost 1", "not a zip file, or truncated"),
    (
        "sources",
        "checksums.tsv: first line lost",
        "expected the columns source, path, size, sha256, with tabs",
    ),
    (
        "sources",
        "'\\t' became '\\t\\t'",
        "expected the columns|line 2: expected 4 cells, with tabs",
    ),
    ("sources", "no mapping", "source mine: expected keys and values, such as kind"),
    ("sources", "kind is a list", r"source mine: kind is \['files'\], which it cannot be"),
    ("weights", "width is 1000000000", "at least 1 filter and at most 256"),
    ("weights", "width is 4", "width '4': a network needs at least 1 filter"),
    ("weights", "record.json: deep", "not the record of a model"),
    ("weights", "resnet34.pth: a pipe", "is a folder, a pipe or a device, expected a file"),
    ("weights", "index: a link to a device", "is a folder, a pipe or a device, expected a file"),
]


@pytest.mark.parametrize(("family", "name", "message"), FOUND)
def test_what_went_wrong_before_is_said(told, family, name, message):
    cases = [case for case in told[family] if case["name"].endswith(name)]
    assert cases
    for case in cases:
        assert re.search(message, case["message"]), shown(case)


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("resources/checksums.tsv", "a\tb\n", "checksums.tsv: expected the columns source, path"),
        ("resources/sources.yaml", "kaggle: [1\n", "sources.yaml: cannot be read as YAML"),
        ("resources/weights.yaml", "- 1\n", "weights.yaml: expected keys and values"),
    ],
)
def test_the_workflow_says_in_a_sentence_which_of_its_files_is_damaged(
    project, file, text, sentence
):
    path = project.folder / file
    good = path.read_text("utf-8")
    path.write_text(text)
    try:
        result = project.snakemake("--dry-run")
    finally:
        path.write_text(good)
    assert result.returncode != 0
    assert sentence in result.stdout
    assert "Traceback" not in result.stdout
