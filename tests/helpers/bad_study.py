"""Damaged tables and config of a study."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import yaml

from bad_cases import Case, Family, Lost, content_cases, place_cases
from cmrseg.files import read_table
from cmrseg.measure.known_volumes import kaggle_volumes
from mutations import damaged_bytes, damaged_text
from networks import network_of

SUBJECTS = (
    "subject\tstudy\tsplit\tedv_ml\tesv_ml\n7\t7\ttrain\t150\t60\n8\t8\tvalidate\t120.5\t50\n"
)
MODELS = (
    "model network encoder width tissues cohort labeller subset splits start preparation intensity "
    "size_px augmentation loss batch schedule lr_frozen epochs_frozen lr epochs seed\n"
    "fcn fcn  4 lv,my,rv people truth all train random fcn linear 64 "
    "fcn ce 2 constant 0 0 0.001 2 1\n"
).replace(" ", "\t")
CONFIG = {
    "study": "small",
    "cohorts": {
        "people": {
            "subjects": "subjects.tsv",
            "subjects_per_job": 2,
            "layout": "kaggle",
            "raw": "raw",
            "annotators": {"truth": "masks"},
        }
    },
    "models": "models.tsv",
    "evaluate": [{"cohort": "people", "labellers": ["fcn"], "reference": "truth"}],
    "weights": {"given": "given"},
    "figures": {"errors": {"figure": "ef_error", "cohort": "people"}},
}
CHECKSUMS = "source\tpath\tsize\tsha256\nmine\ta/b.txt\t5\t" + "0123456789abcdef" * 4 + "\n"
SOURCES = "mine: {kind: files, url: 'https://example.org/{path}'}\n"
RECORD = {
    "settings": {
        **network_of("fcn", 4),
        **{"preparation": "fcn", "intensity": "linear", "size_px": 64},
    }
}


def make_study(folder: Path) -> None:
    (folder / "resources").mkdir()
    (folder / "given").mkdir()
    (folder / "given/weights.safetensors").touch()
    (folder / "given/record.json").write_text(json.dumps(RECORD))
    (folder / "resources/weights.yaml").write_text("{}\n")
    (folder / "resources/sources.yaml").write_text(SOURCES)
    (folder / "resources/checksums.tsv").write_text(CHECKSUMS)
    (folder / "subjects.tsv").write_text(SUBJECTS)
    (folder / "models.tsv").write_text(MODELS)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    for name in ("train.csv", "validate.csv"):
        (folder / name).write_text("Id,Systole,Diastole\n7,60.5,150\n8,50,120.5\n")
    (folder / "solution.csv").write_text("Id,Volume\n9_Diastole,150\n9_Systole,60.5\n")


def run_study(folder: Path) -> list[str]:
    from snakemake.common.configfile import load_configfile

    from study.load import load_study

    os.chdir(folder)
    try:
        config = load_configfile("config.yaml")
    except Exception as error:
        # Snakemake's own reading of the file comes before the project's.
        raise Lost(f"config.yaml: {error}") from error
    study = load_study(config)
    for cohort in study.cohorts:
        for shard in study.shards(cohort):
            study.rows(cohort, shard)
    study.labelled()
    return []


def run_known(folder: Path) -> list[str]:
    rows = [
        {"subject": s, "study": s, "split": "train", "set": set_}
        for s, set_ in (("7", "train"), ("8", "validate"), ("9", "test"))
    ]
    table = kaggle_volumes(rows, [folder])
    volumes = table[["edv_ml", "esv_ml"]].to_numpy(float)
    assert np.isfinite(volumes).all(), "volumes are not finite"
    assert (volumes > 0).all(), "volumes are not positive"
    return []


def run_table(name: str) -> Callable[[Path], list[str]]:
    def run(folder: Path) -> list[str]:
        read_table(folder / name)
        return []

    return run


def table_cases(good: Path) -> Iterator[Case]:
    for seed, (name, text) in enumerate((("subjects.tsv", SUBJECTS), ("models.tsv", MODELS))):
        yield from content_cases(name, damaged_text(text, 80 + seed), run_study)
        yield from content_cases(name, damaged_bytes(text.encode(), 82 + seed, 2), run_study)
        yield from place_cases(good, name, run_study)
    for name in ("train.csv", "solution.csv"):
        text = (good / name).read_text()
        yield from content_cases(name, damaged_text(text, 84), run_known)
        yield from content_cases(name, damaged_bytes(text.encode(), 85, 1), run_known)
        yield from place_cases(good, name, run_known)
    yield from content_cases("subjects.tsv", damaged_text(SUBJECTS, 86), run_table("subjects.tsv"))
    yield from place_cases(good, "subjects.tsv", run_table("subjects.tsv"))


def nested(depth: int, inner: str) -> str:
    return "".join("  " * i + "a:\n" for i in range(depth)) + "  " * depth + inner


def billion(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, levels):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]")
    return "\n".join(lines)


def config_contents(text: str) -> Iterator[tuple[str, bytes]]:
    yield from damaged_text(text, 90)
    yield from damaged_bytes(text.encode(), 91, 3)
    yield "deep lists", b"[" * 5000 + b"]" * 5000
    yield "deep mappings", nested(900, "x: 1").encode()
    yield (
        "deep mappings below a known key",
        (text + "published_tables:\n" + nested(60, "x: 1")).encode(),
    )
    yield "deep JSON", b'{"study": ' * 5000 + b"1" + b"}" * 5000
    yield "a billion laughs", (text + billion(12)).encode()
    laughs = text.replace("figures:", billion(12) + "\nfigures: *a11\nx:")
    yield "a billion laughs in its figures", laughs.encode()
    inner = billion(12).replace("\n", "\n  ").replace("a0:", "  a0:", 1)
    yield "a billion laughs as weights", text.replace("weights:", f"weights:\n{inner}\n").encode()
    yield "a cycle", (text + "x: &x [*x]\n").encode()
    yield "a cycle in its cohorts", text.replace("cohorts:", "cohorts: &c\n  again: *c").encode()
    yield "a cycle in its subjects", text.replace("subjects.tsv", "&s [*s]").encode()
    yield "an unknown anchor", (text + "x: *nowhere\n").encode()
    yield "a Python object", (text + "x: !!python/object/apply:os.system [echo]\n").encode()
    yield "an expression", ("__use_yte__: true\n" + text + "x: ?1/0\n").encode()
    yield "an unknown tag", (text + "x: !mine 1\n").encode()
    yield "a date as name", text.replace("small", "2026-01-01").encode()
    yield "a number as name", text.replace("small", "1e5").encode()
    yield "a name that leads out", text.replace("small", "../../x").encode()
    yield "a name with a line end", text.replace("study: small", 'study: "small\\n"').encode()
    yield "a very long name", text.replace("small", "x" * 5000).encode()
    yield "numbers as keys", (text + "1: 2\n").encode()
    yield "nothing as key", (text + "null: 2\n").encode()
    yield "a list as key", (text + "? [1, 2]\n: 3\n").encode()
    yield "a key twice", (text + "study: other\n").encode()
    yield "a list", b"- 1\n- 2\n"
    yield "a word", b"study"
    yield "nothing", b"null\n"
    yield "infinity as fraction", (text + "max_failed_fraction: .inf\n").encode()
    yield "not a number as fraction", (text + "max_failed_fraction: .nan\n").encode()
    yield "no subjects per job", text.replace("per_job: 2", "per_job: 0").encode()
    yield "a huge number per job", text.replace("per_job: 2", "per_job: 1" + "0" * 30).encode()
    yield "the whole study as its cohort", text.replace("people:", "&p people:").encode()
    yield "subjects in place", text.replace("subjects.tsv", "[{subject: 7, split: train}]").encode()
    yield "subjects of nothing", text.replace("subjects.tsv", "[]").encode()
    yield "subjects that are a device", text.replace("subjects.tsv", "/dev/zero").encode()
    yield "subjects that are a folder", text.replace("subjects.tsv", ".").encode()
    yield "a zero byte in a path", text.replace("subjects.tsv", '"sub\\0jects.tsv"').encode()
    yield "a path too long", text.replace("subjects.tsv", "x" * 5000).encode()
    yield "weights with a zero byte", text.replace("given: given", 'given: "gi\\0ven"').encode()
    yield "weights with a long path", text.replace("given: given", f"given: {'x' * 5000}").encode()


def config_cases(good: Path) -> Iterator[Case]:
    text = (good / "config.yaml").read_text()
    yield from content_cases("config.yaml", config_contents(text), run_study)
    record = json.dumps(RECORD)
    yield from content_cases("given/record.json", damaged_bytes(record.encode(), 92, 1), run_study)
    for name, content in (("deep", "[" * 10**5), ("a list", "[]"), ("settings", '{"settings": 3}')):
        yield from content_cases("given/record.json", iter([(name, content.encode())]), run_study)
    yield from place_cases(good, "given/record.json", run_study)
    for name, content in (
        ("deep", b"[" * 5000),
        ("a list", b"- 1\n"),
        ("nothing", b""),
        ("a word", b"x"),
        ("not UTF-8", b"\xff\xfe\xfd"),
        ("not YAML", b"a: [1"),
    ):
        yield from content_cases("resources/weights.yaml", iter([(name, content)]), run_study)
    yield from place_cases(good, "resources/weights.yaml", run_study)


FAMILIES = {
    "tables": Family(make_study, table_cases, (".tsv", ".csv", "model ", "cohort ")),
    "config": Family(
        make_study,
        config_cases,
        ("config", "weights", "cohort ", "model ", "subjects", "table with tabs"),
    ),
}
