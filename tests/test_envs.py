"""The conda environments have what their rules import, in the versions that the tests run with."""

import re
import sys
from functools import cache

import pytest
import yaml

from tiny_study import ROOT
from tracking import code_of, module_path, third_party

ENVS = sorted((ROOT / "envs").glob("*.yaml"))
# Distribution of each import that is called otherwise.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "torch": "pytorch",
    "yaml": "pyyaml",
}
# The project's own, and what every stage gets from elsewhere.
OWN = {"cmrseg", "stage"}
# Packages are called otherwise on PyPI.
PYPI = {"pytorch": "torch"}
# Programs that a script runs, and what they import without asking for it. They are not among the
# requirements: only those who fetch from Kaggle need them.
PROGRAMS = {"fetch_source.py": {"kaggle", "six"}}


@cache
def rules() -> dict[str, tuple[str, str]]:
    """Script and environment file of each rule that has a script."""
    found = {}
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for name, body in re.findall(
            r"^rule (\w+):\n((?:(?:    .*)?\n)+)", path.read_text("utf-8"), re.M
        ):
            script = re.search(r'^    script:\n\s+"\.\./scripts/(.+)"', body, re.M)
            conda = re.search(r'^    conda:\n\s+"\.\./\.\./(envs/.+)"', body, re.M)
            if script:
                assert conda, f"rule {name} has no conda environment"
                found[name] = (script[1], conda[1])
    return found


def scripts(rule: str) -> list[str]:
    """Scripts that a rule may run; the figures' one is a pattern."""
    folder = ROOT / "workflow/scripts"
    pattern = re.sub(r"\{.+?\}", "*", rules()[rule][0])
    return [path.relative_to(folder).as_posix() for path in sorted(folder.glob(pattern))]


def needed(script: str) -> set[str]:
    """Distributions that a script and the modules it reaches import, also within functions."""
    modules = [entry.split("@")[0] for entry in code_of(script)]
    files = [ROOT / "workflow/scripts" / script, ROOT / "workflow/stage.py"]
    names = set().union(*map(third_party, [*files, *map(module_path, modules)]))
    if "torch" not in set().union(*map(third_party, [files[0], *map(module_path, modules)])):
        # stage.device() is called by scripts with a network only.
        names.discard("torch")
    imported = {DISTRIBUTIONS.get(n, n) for n in names - OWN - sys.stdlib_module_names}
    return imported | PROGRAMS.get(script, set())


def pins(env: str) -> dict[str, str]:
    """Version of each package of an environment."""
    listed = yaml.safe_load((ROOT / env).read_text("utf-8"))["dependencies"]
    return dict(re.fullmatch(r"([a-z0-9-]+)=([0-9.]+)", entry).groups() for entry in listed)


def test_the_rules_are_found():
    assert len(rules()) >= 13
    assert {"draw_figure", "train_model", "import_dicom"} <= set(rules())
    assert "figures/overlays.py" in scripts("draw_figure")


@pytest.mark.parametrize("rule", rules())
def test_an_environment_has_all_that_its_rule_imports(rule):
    env = rules()[rule][1]
    listed = pins(env)
    for script in scripts(rule):
        missing = needed(script) - set(listed)
        assert not missing, f"{env} lacks {sorted(missing)} for {script}"


@pytest.mark.parametrize("path", ENVS, ids=lambda p: p.stem)
def test_an_environment_is_pinned_and_of_no_private_channel(path):
    env = yaml.safe_load(path.read_text("utf-8"))
    assert env["channels"] == ["conda-forge", "nodefaults"]
    for entry in env["dependencies"]:
        assert re.fullmatch(r"[a-z0-9-]+=[0-9]+(\.[0-9]+)+", entry), entry


@pytest.mark.parametrize("path", ENVS, ids=lambda p: p.stem)
def test_an_environment_has_nothing_that_no_rule_needs(path):
    used = {
        name
        for rule, (_, env) in rules().items()
        if env == f"envs/{path.name}"
        for script in scripts(rule)
        for name in needed(script)
    }
    assert set(pins(f"envs/{path.name}")) - {"python"} <= used


@pytest.mark.parametrize("path", ENVS, ids=lambda p: p.stem)
def test_versions_are_those_of_the_requirements(path):
    text = (ROOT / "requirements.txt").read_text("utf-8")
    required = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)$", text, re.M))
    for name, version in pins(f"envs/{path.name}").items():
        if name not in {"python"}.union(*PROGRAMS.values()):
            assert required[PYPI.get(name, name)] == version, name
