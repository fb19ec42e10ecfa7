"""No verdict by chance: tests draw from seeded generators, property tests from one profile."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from tiny_study import ROOT

TESTS = ROOT / "tests"
# Benchmarks have no verdict.
FILES = [p for p in sorted(TESTS.rglob("*.py")) if TESTS / "benchmarks" not in p.parents]
# Modules whose every draw is another one.
UNSEEDED = {"uuid", "secrets"}
# What draws from one generator for all, unless it is given one.
GLOBAL = re.compile(r"random\.(?!Random$)\w+|(np|numpy)\.random\.(seed|[a-z]\w*)|os\.urandom")
TORCH = re.compile(r"torch\.(rand|randn|randint|randperm|normal|bernoulli|multinomial)(_like)?")
# Generators that need a seed, by the last part of their names, and what only reads the state.
GENERATORS = ("default_rng", "Random", "RandomState", "SeedSequence", "manual_seed", "seed")
READING = ("np.random.get_state",)
# What a property test may say of its examples; all else is the profile's.
EXAMPLES = {"max_examples", "stateful_step_count", "deadline"}


def draws_without_a_seed(tree: ast.AST) -> list[str]:
    """Calls and imports of a module that draw something else every time."""
    seeded = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "manual_seed"
    }

    def draws(node: ast.AST) -> bool:
        if isinstance(node, ast.Import):
            return not UNSEEDED.isdisjoint(name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            return node.module in {*UNSEEDED, "random"}
        return isinstance(node, ast.Call) and _draws(node, id(node) in seeded)

    return [ast.unparse(node) for node in ast.walk(tree) if draws(node)]


def _draws(call: ast.Call, seeded: bool) -> bool:
    name, given = ast.unparse(call.func), {key.arg for key in call.keywords}
    last = name.rpartition(".")[2]
    if last in GENERATORS:
        first = call.args[0] if call.args else None
        return first is None or (isinstance(first, ast.Constant) and first.value is None)
    if name == "torch.Generator":
        return not seeded
    if last == "generate_uid":
        return "entropy_srcs" not in given
    if last == "sample" and given & {"n", "frac"}:
        return "random_state" not in given
    if TORCH.fullmatch(name):
        return "generator" not in given
    return bool(GLOBAL.fullmatch(name)) and name not in READING


def settings_beside_the_profile(tree: ast.AST) -> list[str]:
    """Settings of Hypothesis that a module makes and that the profile is there for."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "hypothesis":
            found += [name.name for name in node.names if name.name in ("seed", "Phase")]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if re.fullmatch(r"(hypothesis\.)?settings\.(register|load)_profile", name):
            found.append(ast.unparse(node))
        elif re.fullmatch(r"(hypothesis\.)?settings", name):
            timed = any(
                k.arg == "deadline" and ast.unparse(k.value) != "None" for k in node.keywords
            )
            if node.args or timed or {k.arg for k in node.keywords} - EXAMPLES:
                found.append(ast.unparse(node))
    return found


def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))


def test_no_test_draws_without_a_seed():
    found = {p.name: calls for p in FILES if (calls := draws_without_a_seed(parsed(p)))}
    assert not found, "give the generator a seed"


def test_property_tests_have_the_profile_of_conftest():
    found = {p.name: s for p in FILES if (s := settings_beside_the_profile(parsed(p)))}
    assert found.pop("conftest.py")
    assert not found, "say max_examples alone; the profile in tests/conftest.py has the rest"


def test_the_profile_draws_the_same_every_time_and_knows_no_clock():
    used = settings.get_profile("repeatable")
    assert used.derandomize
    assert used.database is None
    assert used.deadline is None
    assert HealthCheck.too_slow in used.suppress_health_check
    assert settings().derandomize
    assert not settings.get_profile("soak").derandomize


def test_layers_of_a_new_network_are_the_same_in_every_test():
    first = torch.initial_seed(), np.random.get_state()[1][0]  # noqa: NPY002
    assert first == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "np.random.default_rng()",
        "np.random.default_rng(None)",
        "numpy.random.normal(size=3)",
        "random.choice([1, 2])",
        "random.Random()",
        "from random import choice",
        "import uuid",
        "from secrets import token_hex",
        "os.urandom(4)",
        "torch.rand(2)",
        "torch.rand_like(x)",
        "torch.Generator()",
        "pydicom.uid.generate_uid()",
        "table.sample(frac=1)",
    ],
)
def test_a_draw_without_a_seed_is_found(text):
    assert draws_without_a_seed(ast.parse(text)) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "np.random.default_rng(3).normal(size=2)",
        "np.random.default_rng(seed)",
        "random.Random(5).choice([1, 2])",
        "torch.rand(2, generator=torch.Generator().manual_seed(1))",
        "rng.random()",
        "table.sample(frac=1, random_state=0)",
        "torch.random.fork_rng(devices=[])",
        "np.random.Generator",
    ],
)
def test_a_draw_with_a_seed_is_none_of_them(text):
    assert draws_without_a_seed(ast.parse(text)) == []


def test_settings_beside_the_profile_are_found():
    for text in ("derandomize=True", "database=None", "deadline=200", "suppress_health_check=[]"):
        assert settings_beside_the_profile(ast.parse(f"settings({text})"))
    for text in ("max_examples=9", "max_examples=9, deadline=None"):
        assert not settings_beside_the_profile(ast.parse(f"settings({text})"))
    assert settings_beside_the_profile(ast.parse("from hypothesis import seed"))
