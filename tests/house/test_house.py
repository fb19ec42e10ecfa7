"""How the project is built: what every rule has, how long files are, what is nowhere mentioned."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from demo_tables import demo_tables
from paper_tables import as_text, paper_tables
from tiny_study import ROOT, project_files

WORKFLOW = ROOT / "workflow"
RULE_FILES = sorted((WORKFLOW / "rules").glob("*.smk"))
MODULES = sorted((WORKFLOW / "cmrseg").rglob("*.py"))
APP = sorted((WORKFLOW / "app").glob("*.py"))
MOST_LINES = {"rules": 150, "cmrseg": 300, "tests": 400}
TESTS = [
    *ROOT.glob("tests/*.py"),
    *ROOT.glob("tests/*/test_*.py"),
    *ROOT.glob("tests/helpers/*.py"),
]
# Folders of tests beside one for each folder of the library: modules at its top, the rules, and
# how the project is built.
MORE_TESTS = {"ground", "workflow", "house"}
# What contours say is tested with the annotations that are made of them.
TESTED_ELSEWHERE = {"contours"}
# Targets: names for groups of files, without a script.
TARGET = re.compile(r"\w+_all|all|published")
# Makes nothing: it runs whenever it is asked for, in the folder of a study.
ACTIONS = {"tidy"}
# Rules with a script for each kind: folder of the scripts, what names the kind, and their code.
BY_KIND = {
    "draw_figure": ("figures", "params.figure", "FIGURES.code"),
    "draw_published": ("published", "params.drawn", "published_figure_code"),
    "measure_panel": ("measures", "wildcards.measure", "PANELS.code"),
}


@cache
def rules() -> dict[str, str]:
    """Text of each rule's body by its name."""
    found = {}
    for path in RULE_FILES:
        text = path.read_text("utf-8")
        found |= dict(re.findall(r"^rule (\w+):\n((?:(?:    .*)?\n)+)", text, re.M))
    return found


WORKING = sorted(name for name in rules() if not TARGET.fullmatch(name))


def section(rule: str, name: str) -> str:
    """What a rule says under a keyword, "" where it has none."""
    found = re.search(rf"^    {name}:(.*\n(?:(?:     .*)?\n)*)", rules()[rule], re.M)
    return found[1].strip() if found else ""


def text_files() -> dict[str, str]:
    """Text of the project's files by name; pictures and archives are left out."""
    texts = {}
    for name in project_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            texts[name] = content.decode("utf-8")
    return texts


# -- rules -----------------------------------------------------------------------------------


def test_the_rules_are_found():
    assert {"make_phantom", "import_dicom", "train_model", "draw_figure"} <= set(WORKING)


@pytest.mark.parametrize("rule", WORKING)
def test_a_rule_has_all_that_a_rule_has(rule):
    products = {"output", "benchmark"}
    for name in (*products, "log", "conda", "threads", "resources", "params", "script"):
        made = rule not in ACTIONS or name not in products
        assert bool(section(rule, name)) == made, f"rule {rule}: {name}"
    for name in ("mem_mb", "runtime"):
        assert f"{name}=" in section(rule, "resources"), f"rule {rule} has no {name}"
    for name in ("log", "benchmark") if rule not in ACTIONS else ():
        # What several studies share is not in a study's folder.
        owner = re.search(
            r'"(resources|results/published|results/\{study\})/', section(rule, "output")
        )
        folder = owner[1] if owner else "resources"  # a constant of study.py
        assert section(rule, name).startswith(f'"{folder}/{name}s/{rule}'), rule


@pytest.mark.parametrize("rule", WORKING)
def test_a_rule_is_called_like_its_script_and_tracks_its_code(rule):
    script = section(rule, "script").strip('"')
    code = re.search(r"code=(.+?),?$", section(rule, "params"), re.M)[1]
    if rule in BY_KIND:
        folder, kind, expected = BY_KIND[rule]
        assert script == f"../scripts/{folder}/{{{kind}}}.py"
        assert code == expected
    else:
        assert script == f"../scripts/{rule}.py"
        assert re.fullmatch(rf'code_of\("{rule}\.py"(, \*[A-Z_]+)?\)', code)
    assert (WORKFLOW / "rules" / section(rule, "conda").strip('"')).resolve().is_file()


def test_every_script_has_a_rule():
    scripts = {path.stem for path in (WORKFLOW / "scripts").glob("*.py")}
    assert scripts == set(WORKING) - set(BY_KIND)


@pytest.mark.parametrize("rule", WORKING)
def test_resources_are_no_settings(rule):
    params = section(rule, "params")
    for word in ("threads", "mem_mb", "runtime", "gpu", "device", "partition"):
        assert word not in params


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda p: p.stem)
def test_rule_files_have_wiring_alone(path):
    text = path.read_text("utf-8")
    assert not re.search(r"\blambda\b", text)
    assert not re.search(r"^\s+(run|shell):", text, re.M)


# -- files -----------------------------------------------------------------------------------


def test_files_are_short():
    lengths = {
        path: len(path.read_text("utf-8").splitlines()) for path in [*RULE_FILES, *MODULES, *APP]
    }
    long = {
        path.relative_to(ROOT).as_posix(): length
        for path, length in lengths.items()
        if length > MOST_LINES["rules" if path.suffix == ".smk" else "cmrseg"]
    }
    assert not long


def test_test_files_are_short():
    lengths = {
        p.relative_to(ROOT).as_posix(): len(p.read_text("utf-8").splitlines()) for p in TESTS
    }
    assert len(lengths) > 100
    assert not {name: length for name, length in lengths.items() if length > MOST_LINES["tests"]}


def test_tests_have_a_folder_for_each_folder_of_the_library():
    library = {path.parent.name for path in MODULES if path.parent.name != "cmrseg"}
    nested = {path.parent.name for path in MODULES if path.parent.parent.name != "cmrseg"}
    folders = {path.parent.name for path in TESTS if path.name.startswith("test_")}
    assert {"dicom", "learn", "measure"} <= library
    assert folders == (library - nested - TESTED_ELSEWHERE) | {"app", "study"} | MORE_TESTS
    assert not [path.name for path in ROOT.glob("tests/test_*.py")]


def test_nothing_in_the_package_knows_snakemake():
    assert not [p.name for p in MODULES if re.search(r"\bsnakemake\b", p.read_text("utf-8"))]


def test_one_module_of_the_study_knows_snakemake():
    known = re.compile(r"^[ \t]*(?:from|import) snakemake\b.*", re.M)
    paths = sorted((WORKFLOW / "study").rglob("*.py"))
    found = {p.name: known.findall(p.read_text("utf-8")) for p in paths}
    lines = {name: lines for name, lines in found.items() if lines}
    assert lines == {"raw.py": ["from snakemake.io import ancient"]}


def test_nothing_in_the_package_knows_the_app():
    web = re.compile(r"^\s*(?:from|import) (?:app|starlette|uvicorn)\b", re.M)
    assert not [p.name for p in MODULES if web.search(p.read_text("utf-8"))]


def test_every_module_and_script_says_what_it_is():
    paths = [*MODULES, *APP, *(WORKFLOW / "scripts").rglob("*.py"), *WORKFLOW.glob("*.py")]
    assert not [p.name for p in paths if p.name != "__init__.py" and p.read_text()[:3] != '"""']


def test_every_module_is_in_the_architecture_s_table():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("| module of `cmrseg` |")[1].split("\n## ")[0]
    named = set(re.findall(r"[`.](\w+)(?=`)", table))
    modules = {path.stem for path in MODULES if path.parent.name != "figures"}
    assert sorted(modules - named - {"__init__"}) == []


def test_the_architecture_s_table_has_every_rule_and_no_other():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("| rule | script |")[1].split("\n\n")[0]
    first = [row.split("|")[1] for row in table.split("\n")[2:]]
    assert sorted(name for cell in first for name in re.findall(r"`(\w+)`", cell)) == WORKING


def test_the_published_study_s_tables_are_those_that_their_script_writes():
    for name, table in paper_tables().items():
        assert (ROOT / "config" / name).read_text("utf-8") == as_text(table), (
            f"config/{name} is not what tests/helpers/paper_tables.py makes; run it"
        )


def test_the_demo_s_tables_are_those_that_its_script_writes():
    for name, table in demo_tables().items():
        written = table.to_csv(sep="\t", index=False, lineterminator="\n")
        assert (ROOT / "config/cohorts" / name).read_text("utf-8") == written, (
            f"config/cohorts/{name} is not what tests/helpers/demo_tables.py makes; run it"
        )


# Written with brackets, so that this file is not found itself.
UNSPEAKABLE = {
    "a path of somebody's machine": r"(?<![\w.])/(?:[w]ork|[h]ome|[U]sers|[r]oot)/\w",
    "a host of packages": r"\b(?:pypi|index|registry|mirror)[\w.-]*\.(?:internal|local|corp)\b",
    "an address of packages": r"(?:[i]ndex-url|[t]rusted-host)",
}


@pytest.mark.parametrize("what", UNSPEAKABLE)
def test_no_file_mentions_the_machine_it_was_written_on(what):
    found = [
        f"{name}: {match[0]}"
        for name, text in text_files().items()
        if "/vendor/" not in name
        for match in re.finditer(UNSPEAKABLE[what], text)
    ]
    assert not found


def test_nothing_is_left_to_do():
    word = re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX)\b")
    found = [n for n, text in text_files().items() if word.search(text) and "/vendor/" not in n]
    assert not found


def documents() -> list[Path]:
    return [
        ROOT / name for name in project_files() if name.endswith(".md") and "vendor" not in name
    ]


@pytest.mark.parametrize("path", documents(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_in_documents_lead_somewhere(path):
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [t for t in targets if not re.match(r"[a-z]+:", t)]
    for target in local:
        name, _, anchor = target.partition("#")
        goal = (path.parent / name).resolve() if name else path
        assert goal.exists(), f"{path.name}: no file for the link {target}"
        if anchor and goal.suffix == ".md":
            assert anchor in anchors(goal), f"{path.name}: no heading for the link {target}"


def anchors(path: Path) -> set[str]:
    """Names that headings of a document can be linked by."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {re.sub(r"\s", "-", heading.strip()) for heading in plain}


# -- imports ---------------------------------------------------------------------------------


def imported(path: Path, modules: Mapping[str, Path]) -> set[str]:
    """Which of some modules a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            named = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            found |= set(named) & set(modules)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & set(modules)
    return found


def circles(needs: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Ways from a name back to itself, one for each place where a walk comes upon one."""
    ended: set[str] = set()

    def walk(name: str, above: list[str]) -> Iterator[list[str]]:
        if name in above:
            yield [*above[above.index(name) :], name]
        elif name not in ended:
            for other in sorted(needs[name]):
                yield from walk(other, [*above, name])
            ended.add(name)

    for name in sorted(needs):
        yield from walk(name, [])


def all_needs() -> dict[str, set[str]]:
    """What each module of the packages imports of them."""
    paths = [
        p for package in ("cmrseg", "study", "app") for p in (WORKFLOW / package).rglob("*.py")
    ]
    modules = {".".join(p.relative_to(WORKFLOW).with_suffix("").parts): p for p in paths}
    return {name: imported(path, modules) for name, path in modules.items()}


def test_a_circle_is_found():
    needs = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    assert list(circles(needs)) == [["b", "c", "b"]]


def test_modules_import_each_other_in_no_circle():
    needs = all_needs()
    assert "cmrseg.cine" in needs["cmrseg.layouts.nifti"]
    assert list(circles(needs)) == []


def test_folders_of_the_library_import_each_other_in_no_circle():
    def room(module: str) -> str:
        """The folder of a module; a module of the ground floor is a room of its own."""
        return ".".join(module.split(".")[:2])

    needs: dict[str, set[str]] = {}
    for name, others in all_needs().items():
        if name.startswith("cmrseg."):
            of_others = {room(o) for o in others if o.startswith("cmrseg.")} - {room(name)}
            needs.setdefault(room(name), set()).update(of_others)
    assert {"cmrseg.dicom", "cmrseg.learn", "cmrseg.labels"} <= set(needs)
    assert list(circles(needs)) == []
