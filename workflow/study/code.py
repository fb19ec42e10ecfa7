"""The code that a script depends on, so that an edit only re-runs the stages that use it.

Snakemake re-runs a rule when its params change. Of a script it compares the time stamp at most, and
it ignores the modules that the script imports. Each rule therefore has
`params: code=code_of("<script>.py")`: the script and the `cmrseg` modules that it imports, directly
or indirectly, each with a hash of its code, and files of the repository that it reads, each with a
hash of its bytes. Comments, docstrings and layout do not affect the hash of code; neither do time
stamps and the folder of the repository. Standard library only.

Parsing some two hundred modules takes longer than Snakemake's own start. The result for a file is
therefore cached by the hash of its bytes, in `KEPT` of the folder in which Snakemake runs.
"""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

WORKFLOW = Path(__file__).resolve().parents[1]
PACKAGE = "cmrseg"
# In Snakemake's own folder, in the working directory.
KEPT = Path(".snakemake") / "cmrseg_code.txt"
# Number of cached files: many more than a project has, but few enough to read quickly.
MOST_KEPT = 2000
# Nodes that may have a docstring.
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Fields of a statement that contain further statements.
BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


class Said(NamedTuple):
    """The content of a Python file.

    code: a hash of its code. imports: for each import the module, or the module and the names
    imported from it.
    """

    code: str
    imports: list[list[str]]


def code_of(script: str, *files: str) -> list[str]:
    """A script, the `cmrseg` modules that it uses, directly or indirectly, and files that it reads.

    script: path in `workflow/scripts`. files: paths in the repository that are read in addition
    to the rule's inputs. Returns `script@hash`, then `module@hash`, then `file@hash`, each sorted.
    Raises FileNotFoundError naming the script, module or file that does not exist.
    """
    path = WORKFLOW / "scripts" / script
    modules = [f"{module}@{_said(module_path(module)).code}" for module in modules_of(script)]
    read = [f"{file}@{content_of(WORKFLOW.parent / file)}" for file in sorted(files)]
    own = _said(path).code
    _kept().write()
    return [f"{script}@{own}", *modules, *read]


def modules_of(script: str) -> list[str]:
    """Names of the `cmrseg` modules that a script uses, directly or indirectly, sorted."""
    used: set[str] = set()
    waiting = list(_package_imports(WORKFLOW / "scripts" / script))
    while waiting:
        module = waiting.pop()
        if module not in used:
            used.add(module)
            waiting.extend(_package_imports(module_path(module)))
    return sorted(used)


def content_of(path: str | Path) -> str:
    """A hash of a file's bytes. Raises FileNotFoundError naming a file that does not exist."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def third_party(path: Path) -> set[str]:
    """Top-level names that a Python file imports, including those of the project."""
    return {module.split(".")[0] for module, *_ in _said(path).imports}


def module_path(module: str) -> Path:
    """The file of a `cmrseg` module."""
    path = WORKFLOW.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        raise FileNotFoundError(f"{module}: no file {path}; imports name modules, not packages")
    return path


def _package_imports(path: Path) -> list[str]:
    modules = []
    for module, *names in _said(path).imports:
        if module.split(".")[0] == PACKAGE:
            package = names and WORKFLOW.joinpath(*module.split(".")).is_dir()
            modules += [f"{module}.{name}" for name in names] if package else [module]
    return modules


@cache
def _said(path: Path) -> Said:
    content = path.read_bytes()
    kept, key = _kept(), hashlib.sha256(content).hexdigest()
    if key not in kept.files:
        kept.files[key] = kept.new[key] = _parsed(path, content.decode("utf-8"))
    return kept.files[key]


# -- one file --------------------------------------------------------------------------------


def _parsed(path: Path, text: str) -> Said:
    """The content of a file without comments, docstrings and layout."""
    try:
        tree = ast.parse(text, filename=str(path))
    except SyntaxError as error:
        raise SyntaxError(f"{path}, line {error.lineno}: {error.msg}") from None
    imports = []
    for node in _statements(tree):
        if isinstance(node, DOCUMENTED):
            documented = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[documented:] or [ast.Pass()]
        elif isinstance(node, ast.Import):
            imports += [[alias.name] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ImportError(
                    f"{path}, line {node.lineno}: a relative import is not tracked; name the "
                    f"module in full, such as {PACKAGE}.files"
                )
            imports.append([node.module, *(alias.name for alias in node.names)])
    return Said(hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12], imports)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a file that contain statements. Expressions, the majority, contain none."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(part for field in BODIES for part in getattr(node, field, ()))


# -- what is kept ----------------------------------------------------------------------------


class _Kept:
    """Cached contents of files, by the SHA-256 of their bytes.

    The first line of the cache is a hash of the rest and of its writer: a cache that is damaged, or
    from another Python or another version of this module, is ignored and written again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.new: dict[str, Said] = {}
        self.files = self._read()

    def _read(self) -> dict[str, Said]:
        try:
            mark, _, text = self.path.read_text("ascii").partition("\n")
        except (OSError, ValueError):
            return {}
        if mark != _mark(text):
            return {}
        return {key: Said(*said) for key, said in json.loads(text).items()}

    def write(self) -> None:
        """Add new entries. If nothing can be written, the next start parses again."""
        if not self.new:
            return
        files = self._read() | self.new
        text = json.dumps(files if len(files) <= MOST_KEPT else self.new)
        self.new = {}
        # Several processes may write, each its own file; the last one is kept.
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
            partial.write_text(f"{_mark(text)}\n{text}", "ascii")
            partial.replace(self.path)
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _mark(text: str) -> str:
    """A hash of the text, the Python version (its parser) and this module."""
    return hashlib.sha256(f"{_maker()}\n{text}".encode()).hexdigest()


@cache
def _maker() -> str:
    return f"{sys.version} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"


@cache
def _kept() -> _Kept:
    return _Kept(KEPT.absolute())
