import shutil
from pathlib import Path

import pytest

import tracking

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workflow" / "cmrseg"


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
    clear_caches()
    yield tmp_path
    clear_caches()


def clear_caches():
    for function in (tracking._parse, tracking._package_imports, tracking._hash):
        function.cache_clear()


def code(workflow):
    clear_caches()
    return tracking.code_of("a.py")


def test_code_of_a_script_is_what_it_reaches_through_imports(workflow):
    assert [entry.split("@")[0] for entry in code(workflow)] == ["cmrseg.one", "cmrseg.two"]


def test_an_edit_changes_the_module_and_no_other(workflow):
    before = code(workflow)
    (workflow / "cmrseg/two.py").write_text('def g():\n    """Say one."""\n    return 2\n')
    after = code(workflow)
    assert before[0] == after[0]
    assert before[1] != after[1]


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
@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_modules_hide_no_dependency(path):
    text = path.read_text()
    if path.name == "__init__.py":
        assert text == ""
    assert path.name != "utils.py"
    for hidden in ("importlib", "import *", "__import__"):
        assert hidden not in text, f"{path} hides imports from tracking: {hidden}"


def test_a_copy_of_the_project_has_the_same_code(tmp_path, monkeypatch):
    clear_caches()
    before = tracking.code_of("measure_volumes.py")
    for name in ("cmrseg", "scripts"):
        shutil.copytree(ROOT / "workflow" / name, tmp_path / name)
    monkeypatch.setattr(tracking, "WORKFLOW", tmp_path)
    clear_caches()
    assert tracking.code_of("measure_volumes.py") == before
    clear_caches()
