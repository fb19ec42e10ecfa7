"""The conda environments have what their rules import, in the versions that the tests run with."""

import re
import sys
from functools import cache

import pytest
import yaml

from study.code import module_path, modules_of, third_party
from tiny_study import ROOT

ENVS = sorted((ROOT / "envs").glob("*.yaml"))
# Distribution of each import that is called otherwise.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "isal": "python-isal",
    "seaborn": "seaborn-base",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "torch": "pytorch",
    "yaml": "pyyaml",
}
# The project's own, and what every stage gets from elsewhere.
OWN = {"cmrseg", "stage"}
# Names on PyPI of packages that are called otherwise, by their names on conda-forge.
PYPI = yaml.safe_load((ROOT / "tests/helpers/conda/pypi_names.yaml").read_text("utf-8"))
# Programs that a script runs, and what they import without asking for it. They are not among the
# requirements: only those who fetch from Kaggle need them.
PROGRAMS = {"fetch_source.py": {"kaggle", "six"}}


@cache
def rules() -> dict[str, tuple[str, str]]:
    """Script and environment file of each rule that has a script."""
    found, there = {}, 0
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        text = path.read_text("utf-8")
        there += len(re.findall(r"^ +script:", text, re.M))
        for name, body in re.findall(r"^rule (\w+):\n((?:(?:    .*)?\n)+)", text, re.M):
            script = re.search(r'^    script:\n\s+"\.\./scripts/(.+)"', body, re.M)
            conda = re.search(r'^    conda:\n\s+"\.\./\.\./(envs/.+)"', body, re.M)
            if script:
                assert conda, f"rule {name} has no conda environment"
                found[name] = (script[1], conda[1])
    assert len(found) == there > 0, f"{there} rules have a script, {len(found)} are found"
    return found


def scripts(rule: str) -> list[str]:
    """Scripts that a rule may run; the figures' one is a pattern."""
    folder = ROOT / "workflow/scripts"
    pattern = re.sub(r"\{.+?\}", "*", rules()[rule][0])
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.glob(pattern))]
    assert found, f"rule {rule}: no script {pattern}"
    return found


def imports(script: str) -> set[str]:
    """What of others a script and the modules it reaches import, also within functions."""
    modules = modules_of(script)
    files = [ROOT / "workflow/scripts" / script, *map(module_path, modules)]
    own = set().union(*map(third_party, files))
    # stage.device() is called by scripts with a network only.
    common = third_party(ROOT / "workflow/stage.py") - {"torch"}
    assert {"sys", "threadpoolctl"} <= common, f"of stage.py no more is found than {common}"
    return (own | common) - OWN - sys.stdlib_module_names


def needed(script: str) -> set[str]:
    """Distributions that a script needs."""
    return {DISTRIBUTIONS.get(n, n) for n in imports(script)} | PROGRAMS.get(script, set())


def pins(env: str) -> dict[str, str]:
    """Version of each package of an environment."""
    listed = yaml.safe_load((ROOT / env).read_text("utf-8"))["dependencies"]
    assert listed, f"{env} lists nothing"
    return dict(re.fullmatch(r"([a-z0-9-]+)=([0-9.]+)", entry).groups() for entry in listed)


def test_the_rules_are_found():
    assert len(rules()) >= 13
    assert {"draw_figure", "train_model", "import_dicom"} <= set(rules())
    assert "figures/overlays.py" in scripts("draw_figure")
    assert {env for _, env in rules().values()} == {f"envs/{path.name}" for path in ENVS}


# A rule that is written otherwise than the pattern expects, and none at all.
@pytest.mark.parametrize("text", ["rule  a:\n    script:\n", "rule a:\n  script:\n", ""])
def test_rules_that_are_not_found_are_a_fault(tmp_path, monkeypatch, text):
    (tmp_path / "workflow/rules").mkdir(parents=True)
    (tmp_path / "workflow/rules/a.smk").write_text(text)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    with pytest.raises(AssertionError, match=r"rules have a script, 0 are found"):
        rules.__wrapped__()


@pytest.mark.parametrize("rule", rules())
def test_an_environment_has_all_that_its_rule_imports(rule):
    env = rules()[rule][1]
    listed = pins(env)
    for script in scripts(rule):
        missing = needed(script) - set(listed)
        assert not missing, f"{env} lacks {sorted(missing)} for {script}"


def faults(env: dict) -> list[str]:
    """What is wrong with an environment; stricter than conda.

    A misspelt `dependencies` makes an empty environment, and a rule in one without Python runs on
    the Python of Snakemake: both end well and show nothing.
    """
    found = [f"unknown key {key}" for key in sorted(set(env) - {"channels", "dependencies"})]
    if env.get("channels") != ["conda-forge", "nodefaults"]:
        found.append("channels are not conda-forge and nodefaults")
    listed = env.get("dependencies") or []
    # Sections of pip are no strings: their packages are not in an explicit list.
    pinned = r"[a-z0-9-]+=[0-9]+(\.[0-9]+)+"
    found += [f"not pinned: {e}" for e in listed if not re.fullmatch(pinned, str(e))]
    names = [str(entry).split("=")[0] for entry in listed]
    found += [f"twice: {name}" for name in sorted(set(names)) if names.count(name) > 1]
    return found if "python" in names else [*found, "no python"]


@pytest.mark.parametrize("path", ENVS, ids=lambda p: p.stem)
def test_an_environment_is_pinned_and_of_no_private_channel(path):
    assert faults(yaml.safe_load(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"dependancies": []}, "unknown key dependancies"),
        ({"channels": ["conda-forge"]}, "channels are not conda-forge and nodefaults"),
        ({"dependencies": ["python=3.11", "numpy"]}, "not pinned: numpy"),
        ({"dependencies": ["python=3.11", "numpy=>2.4"]}, "not pinned: numpy=>2.4"),
        ({"dependencies": ["python=3.11", {"pip": ["six"]}]}, "not pinned: {'pip': ['six']}"),
        ({"dependencies": ["python=3.11", "six=1.1", "six=1.2"]}, "twice: six"),
        ({"dependencies": ["numpy=2.4.6"]}, "no python"),
        ({"dependencies": None}, "no python"),
    ],
)
def test_what_is_wrong_with_an_environment_is_found(change, fault):
    good = {"channels": ["conda-forge", "nodefaults"], "dependencies": ["python=3.11"]}
    assert faults(good) == []
    assert faults(good | change) == [fault]


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
