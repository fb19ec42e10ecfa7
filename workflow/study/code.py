"""What a script depends on, so that an edit re-runs the stages that use the code and no other.

Snakemake re-runs a rule when its params change, but does not look into its script, of which it
compares the time stamp at most, nor into the modules that the script imports. Each rule therefore
has `params: code=code_of("<script>.py")`: the script and the `cmrseg` modules that it reaches
through imports, each with a hash of its code, and files of the repository that it reads, each with
a hash of its bytes. Comments, docstrings and layout of code are not part of its hash, and neither
are time stamps and the place of the repository. Standard library only.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[1]
PACKAGE = "cmrseg"
# What may have a docstring.
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Where a statement has further ones.
BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def code_of(script: str, *files: str) -> list[str]:
    """A script, the `cmrseg` modules that it uses, directly or not, and files that it reads.

    script: path below `workflow/scripts`. files: paths in the repository that are read beside the
    rule's inputs. Returns `script@hash`, then `module@hash` and then `file@hash`, each sorted.
    Raises FileNotFoundError naming the script, module or file that does not exist.
    """
    path = WORKFLOW / "scripts" / script
    modules = [f"{module}@{_hash(module_path(module))}" for module in modules_of(script)]
    read = [f"{file}@{content_of(WORKFLOW.parent / file)}" for file in sorted(files)]
    return [f"{script}@{_hash(path)}", *modules, *read]


def modules_of(script: str) -> list[str]:
    """Names of the `cmrseg` modules that a script uses, directly or not, sorted."""
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
    """Top-level names that a Python file imports, the project's own included."""
    names: set[str] = set()
    for node in _statements(_code(path, path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def module_path(module: str) -> Path:
    """The file of a `cmrseg` module."""
    path = WORKFLOW.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        raise FileNotFoundError(f"{module}: no file {path}; imports name modules, not packages")
    return path


@cache
def _code(path: Path, text: str) -> ast.Module:
    """What a file says beside comments, docstrings and layout."""
    try:
        tree = ast.parse(text, filename=str(path))
    except SyntaxError as error:
        raise SyntaxError(f"{path}, line {error.lineno}: {error.msg}") from None
    for node in _statements(tree):
        if isinstance(node, DOCUMENTED):
            documented = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[documented:] or [ast.Pass()]
    return tree


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """The parts of a file that hold statements. Expressions, which are most of it, hold none."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(part for field in BODIES for part in getattr(node, field, ()))


@cache
def _package_imports(path: Path) -> tuple[str, ...]:
    modules = []
    for node in _statements(_code(path, path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names if _is_ours(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ImportError(
                f"{path}, line {node.lineno}: a relative import is not tracked; name the module in "
                f"full, such as {PACKAGE}.files"
            )
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            if WORKFLOW.joinpath(*node.module.split(".")).is_dir():
                modules += [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                modules.append(node.module)
    return tuple(modules)


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == PACKAGE


@cache
def _hash(path: Path) -> str:
    tree = _code(path, path.read_text("utf-8"))
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]
