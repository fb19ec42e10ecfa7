import ast
import json
import os
import shutil
from pathlib import Path

import pytest

import study.code as tracking

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "workflow" / "cmrseg").rglob("*.py"))
SCRIPTS = sorted((ROOT / "workflow" / "scripts").rglob("*.py"))


@pytest.fixture
def workflow(tmp_path, monkeypatch):
    """A small workflow folder: script a -> cmrseg.one -> cmrseg.two; cmrseg.three apart."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "cmrseg").mkdir()
    (tmp_path / "scripts/a.py").write_text("from cmrseg.one import f\nf()\n")
    (tmp_path / "cmrseg/__init__.py").write_text("")
    (tmp_path / "cmrseg/one.py").write_text("from cmrseg import two\n\ndef f():\n    two.g()\n")
    (tmp_path / "cmrseg/two.py").write_text('def g():\n    """Say one."""\n    return 1\n')
    (tmp_path / "cmrseg/three.py").write_text("x = 1\n")
    monkeypatch.setattr(tracking, "WORKFLOW", tmp_path)
    monkeypatch.chdir(tmp_path)
    clear_caches()
    yield tmp_path
    clear_caches()


def clear_caches():
    """As another start of Snakemake finds it."""
    for function in (tracking._said, tracking._kept):
        function.cache_clear()


def code(workflow):
    clear_caches()
    return tracking.code_of("a.py")


def test_code_of_a_script_is_itself_and_what_it_reaches_through_imports(workflow):
    names = [entry.split("@")[0] for entry in code(workflow)]
    assert names == ["a.py", "cmrseg.one", "cmrseg.two"]


def test_an_edit_changes_the_module_and_no_other(workflow):
    before = code(workflow)
    (workflow / "cmrseg/two.py").write_text('def g():\n    """Say one."""\n    return 2\n')
    after = code(workflow)
    assert before[:2] == after[:2]
    assert before[2] != after[2]


def test_an_edit_of_the_script_is_one_whatever_its_time_stamp(workflow):
    script, before = workflow / "scripts/a.py", code(workflow)
    script.write_text("from cmrseg.one import f\nf()\nf()\n")
    os.utime(script, (0, 0))
    after = code(workflow)
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_a_comment_or_another_time_stamp_of_the_script_is_no_edit(workflow):
    before = code(workflow)
    (workflow / "scripts/a.py").write_text('"""Says."""\n\nfrom cmrseg.one import f\n\nf()  # so\n')
    os.utime(workflow / "scripts/a.py", (2**31, 2**31))
    assert code(workflow) == before


def test_a_file_that_a_script_reads_counts_by_its_bytes(workflow, monkeypatch):
    monkeypatch.setattr(tracking, "WORKFLOW", workflow / "workflow")
    (workflow / "scripts").rename(workflow / "workflow-scripts")
    (workflow / "workflow").mkdir()
    (workflow / "workflow-scripts").rename(workflow / "workflow/scripts")
    (workflow / "cmrseg").rename(workflow / "workflow/cmrseg")
    (workflow / "page.html").write_text("one")
    before = tracking.code_of("a.py", "page.html")
    assert before[-1] == f"page.html@{tracking.content_of(workflow / 'page.html')}"
    (workflow / "page.html").write_text("two")
    os.utime(workflow / "page.html", (0, 0))
    after = tracking.code_of("a.py", "page.html")
    assert (before[:-1], before[-1] == after[-1]) == (after[:-1], False)
    with pytest.raises(FileNotFoundError, match=r"none\.html"):
        tracking.code_of("a.py", "none.html")


@pytest.mark.parametrize("line", ["from .two import g", "from . import two", "from ..x import y"])
def test_a_relative_import_is_refused_by_name(workflow, line):
    (workflow / "cmrseg/one.py").write_text(f"import os\n{line}\n")
    with pytest.raises(ImportError, match=r"one\.py, line 2: a relative import is not tracked"):
        code(workflow)


def test_comments_docstrings_and_layout_are_no_edit(workflow):
    before = code(workflow)
    (workflow / "cmrseg/two.py").write_text(
        '"""New."""\n\n# A comment.\ndef g():\n    """Say 1."""\n    return (1)\n'
    )
    assert code(workflow) == before


def test_a_module_that_is_not_reached_is_no_edit(workflow):
    before = code(workflow)
    (workflow / "cmrseg/three.py").write_text("x = 2\n")
    assert code(workflow) == before


def test_an_import_of_a_missing_module_is_named(workflow):
    (workflow / "scripts/a.py").write_text("from cmrseg.four import f\n")
    with pytest.raises(FileNotFoundError, match=r"cmrseg\.four: no file"):
        code(workflow)


def test_a_syntax_error_is_named(workflow):
    (workflow / "cmrseg/two.py").write_text("def g(:\n")
    with pytest.raises(SyntaxError, match=r"two\.py, line 1"):
        code(workflow)


def test_every_script_of_the_project_can_be_tracked():
    clear_caches()
    scripts = ROOT / "workflow" / "scripts"
    for script in scripts.rglob("*.py"):
        assert tracking.code_of(str(script.relative_to(scripts)))


# What tracking relies on: imports tell the whole dependency.
@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=lambda p: p.name)
def test_modules_hide_no_dependency(path):
    text = path.read_text()
    if path.name == "__init__.py":
        assert text == ""
    assert path.name != "utils.py"
    for hidden in ("importlib", "import *", "__import__"):
        assert hidden not in text, f"{path} hides imports from tracking: {hidden}"
    relative = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom) and n.level]
    assert not relative, f"{path} hides imports from tracking: relative ones"


# -- what is kept between starts -------------------------------------------------------------


@pytest.fixture
def parsed(monkeypatch) -> list[str]:
    """Names of the files that are parsed from now on."""
    names: list[str] = []
    parse = tracking._parsed

    def noted(path, text):
        names.append(path.name)
        return parse(path, text)

    monkeypatch.setattr(tracking, "_parsed", noted)
    return names


def test_a_further_start_parses_nothing_and_finds_the_same(workflow, parsed):
    before = code(workflow)
    assert sorted(parsed) == ["a.py", "one.py", "two.py"]
    for path in workflow.rglob("*.py"):
        os.utime(path, (2**31, 2**31))
    assert code(workflow) == before
    assert len(parsed) == 3


def test_an_edit_of_the_same_length_and_time_is_parsed_and_counts(workflow, parsed):
    two = workflow / "cmrseg/two.py"
    times, before = two.stat(), code(workflow)
    two.write_text(two.read_text().replace("return 1", "return 2"))
    os.utime(two, ns=(times.st_atime_ns, times.st_mtime_ns))
    parsed.clear()
    assert code(workflow)[2] != before[2]
    assert parsed == ["two.py"]


def test_an_edit_that_is_taken_back_is_as_before(workflow, parsed):
    before, one = code(workflow), workflow / "cmrseg/one.py"
    text = one.read_text()
    one.write_text("from cmrseg import three\n")
    assert [entry.split("@")[0] for entry in code(workflow)] == [
        "a.py",
        "cmrseg.one",
        "cmrseg.three",
    ]
    one.write_text(text)
    parsed.clear()
    assert (code(workflow), parsed) == (before, [])


def wrong(content: bytes) -> bytes:
    """Still good JSON, with another hash of a file's code."""
    mark, text = content.split(b"\n")
    files = json.loads(text)
    files[max(files)][0] = "0" * 12
    return mark + b"\n" + json.dumps(files).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content.split(b"\n")[0],
        lambda content: b"\xff\x00" * 999,
        lambda content: b"0" * 64 + content[64:],
        lambda content: b"{}\n{}",
        wrong,
    ],
    ids=["empty", "half", "a line", "noise", "another mark", "another file", "a wrong hash"],
)
def test_a_damaged_file_counts_as_none_and_is_written_anew(workflow, parsed, damage):
    before = code(workflow)
    content = tracking.KEPT.read_bytes()
    tracking.KEPT.write_bytes(damage(content))
    assert code(workflow) == before
    assert len(parsed) == 6
    assert tracking.KEPT.read_bytes() == content


def test_what_another_python_has_kept_is_parsed_again(workflow, parsed, monkeypatch):
    before = code(workflow)
    monkeypatch.setattr(tracking, "_maker", lambda: "3.99 another")
    assert code(workflow) == before
    assert len(parsed) == 6


@pytest.mark.parametrize("in_the_way", ["a folder", "a file for the folder"])
def test_where_nothing_can_be_kept_all_is_found_all_the_same(workflow, in_the_way):
    folder = tracking.KEPT.parent
    if in_the_way == "a folder":
        (tracking.KEPT / "x").mkdir(parents=True)
    else:
        folder.write_text("")
    assert [entry.split("@")[0] for entry in code(workflow)] == ["a.py", "cmrseg.one", "cmrseg.two"]
    assert not folder.is_dir() or [path.name for path in folder.iterdir()] == [tracking.KEPT.name]


def test_a_process_adds_to_what_another_has_kept_meanwhile(workflow, monkeypatch):
    (workflow / "scripts/b.py").write_text("import cmrseg.three\n")
    late = tracking._kept()
    clear_caches()
    tracking.code_of("b.py")
    clear_caches()
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "_kept", lambda: late)
        tracking.code_of("a.py")
    assert len(json.loads(tracking.KEPT.read_text().split("\n")[1])) == 5


def test_what_is_kept_does_not_grow_without_end(workflow, monkeypatch):
    monkeypatch.setattr(tracking, "MOST_KEPT", 4)
    for number in range(9):
        (workflow / "cmrseg/two.py").write_text(f"x = {number}\n")
        code(workflow)
        assert len(json.loads(tracking.KEPT.read_text().split("\n")[1])) <= 4


def test_a_copy_of_the_project_has_the_same_code(tmp_path, monkeypatch):
    clear_caches()
    before = tracking.code_of("measure_volumes.py")
    for name in ("cmrseg", "scripts"):
        shutil.copytree(ROOT / "workflow" / name, tmp_path / name)
    monkeypatch.setattr(tracking, "WORKFLOW", tmp_path)
    clear_caches()
    assert tracking.code_of("measure_volumes.py") == before
    clear_caches()


def test_imports_inside_of_any_block_are_found(workflow):
    blocks = ("class C:", "def f():", "if x:", "for i in x:", "while x:", "with x:", "try:")
    ends = {"try:": "finally:\n    pass\n"}
    others = (
        "try:\n    pass\nexcept E:\n    import cmrseg.{0}\n",
        "if x:\n    pass\nelse:\n    import cmrseg.{0}\n",
        "match x:\n    case 1:\n        import cmrseg.{0}\n",
        "try:\n    pass\nfinally:\n    import cmrseg.{0}\n",
    )
    texts = [f"{block}\n    import cmrseg.{{0}}\n{ends.get(block, '')}" for block in blocks]
    names = [f"m{number}" for number in range(len(texts) + len(others))]
    for name in names:
        (workflow / f"cmrseg/{name}.py").write_text("")
    script = "".join(text.format(name) for text, name in zip([*texts, *others], names, strict=True))
    (workflow / "scripts/a.py").write_text(script)
    assert tracking.modules_of("a.py") == sorted(f"cmrseg.{name}" for name in names)
