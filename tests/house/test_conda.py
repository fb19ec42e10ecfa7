"""Conda environments by themselves and in the container; test_demo_elsewhere.py runs a study.

One of them is made in `make test-more`, and all of them in `make soak`.
"""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from test_envs import imports, pins, rules, scripts

from containerfile import containerfile, place
from loopback import served
from own_conda import ENVS, TOOLS, bear_witness, witnesses
from source_places import row
from study.code import modules_of
from tiny_study import ROOT, copy_project

pytestmark = [pytest.mark.conda, pytest.mark.slow]

# What is made in one environment, and its file.
HEARTS, ONE = "results/tiny/phantom/small_7t/0000", "imaging.yaml"

# Imports these names alone, of the packages of this interpreter and the project's own.
IMPORT = """
import importlib, sys
sys.path.append("workflow")
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A copy of the project."""
    return copy_project(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def project(conda, tmp_path_factory):
    """A copy of the project for which all environments were made."""
    copy = copy_project(tmp_path_factory.mktemp("in_conda"))
    bear_witness(copy)
    # The environment for fetching, too, though the tiny study fetches nothing.
    made = conda.snakemake(copy, "all", "resources/raw/cmr_seg_tl", "--conda-create-envs-only")
    assert made.returncode == 0, made.stdout[-5000:]
    return copy


def names_of(env: Path) -> list[str]:
    """What the rules of an environment import: others' names and the project's modules."""
    used = [s for r, (_, e) in rules().items() if e == f"envs/{env.name}" for s in scripts(r)]
    modules = {module for script in used for module in modules_of(script)}
    return sorted(modules.union(*map(imports, used)))


# -- environment files -----------------------------------------------------------------------


def validate(conda, *paths):
    command = [conda.base / "bin/python", TOOLS / "validate_env.py", *paths]
    return subprocess.run(command, capture_output=True, text=True)


def test_conda_s_own_parser_takes_the_environment_files(conda):
    result = validate(conda, *ENVS)
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stderr


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("dependancies: [python=3.11]", "unknown key 'dependancies'"),
        ("channels: [conda-forge]", "no dependencies"),
        ("dependencies: [python=3.11, 'numpy=>=2,,']", "'numpy=>=2,,': "),
        ("dependencies: [numpy=2.4.6]", "no python: the rule would run on that of the host"),
        ("dependencies: [python=3.11, {pip: [six]}]", "section pip without the package pip"),
        ("dependencies: [python=3.11, {npm: [six]}]", "unknown section {'npm': ['six']}"),
        ("channels: [defaults]\ndependencies: [python=3.11]", "channel 'defaults'"),
    ],
)
def test_what_is_wrong_with_an_environment_file_is_said(conda, tmp_path, text, fault):
    (tmp_path / "env.yaml").write_text(text)
    result = validate(conda, tmp_path / "env.yaml")
    assert result.returncode == 1, result.stderr
    assert f"env.yaml: {fault}" in result.stdout


# -- runs -----------------------------------------------------------------------------------


def test_a_package_that_an_environment_lacks_ends_the_run(conda, tmp_path):
    copy = copy_project(tmp_path)
    env = copy.folder / "envs" / ONE
    env.write_text("".join(line for line in env.open() if "pydicom" not in line))
    result = conda.snakemake(copy, HEARTS)
    assert result.returncode != 0
    assert "ModuleNotFoundError: No module named 'pydicom'" in result.stdout


# -- environments by themselves --------------------------------------------------------------


def test_one_environment_alone_imports_all_that_its_rules_import(conda, plain):
    made = conda.snakemake(plain, HEARTS, "--conda-create-envs-only")
    assert made.returncode == 0, made.stdout[-5000:]
    imports_all(conda, plain, ROOT / "envs" / ONE)


@pytest.mark.soak
@pytest.mark.parametrize("env", ENVS, ids=lambda p: p.stem)
def test_an_environment_alone_imports_all_that_its_rules_import(conda, project, env):
    imports_all(conda, project, env)


def imports_all(conda, project, env):
    # -I: without the variables and the packages of the user.
    command = [conda.place(env) / "bin/python", "-I", "-c", IMPORT, *names_of(env)]
    result = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.soak
def test_the_environment_for_fetching_has_kaggle_s_client(conda, project):
    env = conda.place(ROOT / "envs/fetch.yaml")
    result = subprocess.run(
        [env / "bin/kaggle", "--version"], capture_output=True, text=True, env=conda.variables()
    )
    version = pins("envs/fetch.yaml")["kaggle"]
    assert result.stdout.strip() == f"Kaggle CLI {version}", result.stderr


@pytest.mark.soak
def test_a_file_is_fetched_in_its_environment(conda, project, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = b"fetched"
    with served() as site:
        site.files["/a.txt"] = content
        entry = {"here": {"kind": "files", "url": site.url + "/{path}"}}
        with (project.folder / "resources/sources.yaml").open("a") as file:
            file.write(yaml.safe_dump(entry))
        listed = row("a.txt", content)
        with (project.folder / "resources/checksums.tsv").open("a") as file:
            file.write("\t".join(["here", listed["path"], listed["size"], listed["sha256"]]) + "\n")
        result = conda.snakemake(project, "resources/raw/here")
    assert result.returncode == 0, result.stdout[-5000:]
    assert (project.folder / "resources/raw/here/a.txt").read_bytes() == content
    prefixes = {told["prefix"] for told in witnesses(project) if told["rule"] == "fetch_source"}
    assert prefixes == {str(conda.place(ROOT / "envs/fetch.yaml"))}


# -- the container ---------------------------------------------------------------------------


def instructions(text: str) -> list[str]:
    """Lines of a container definition but comments and the base image."""
    lines = text.replace("\\\n", "").splitlines()
    kept = [" ".join(line.split()) for line in lines if line and not line.startswith("#")]
    return [line for line in kept if not line.startswith("FROM")]


def test_the_container_definition_does_what_snakemake_s_own_does(conda, plain):
    result = subprocess.run(
        [conda.python, "-m", "snakemake", "--containerize"],
        cwd=plain.folder,
        env=conda.variables(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert instructions(result.stdout) == instructions(containerfile())


def tools_of_this_machine(path: Path, folders: list[str]) -> None:
    """An archive of empty folders and the links that a Debian has at its top."""
    with tarfile.open(path, "w") as archive:
        for name in ("bin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(link)
        for name in ("usr", "tmp", "etc", "root", "proc", "dev", "sys", *folders):
            folder = tarfile.TarInfo(name.lstrip("/"))
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(folder)


@pytest.mark.soak
def test_the_container_definition_builds_an_image_with_every_environment(conda, project, tmp_path):
    """On a stand-in for the base image: the programs of this machine, and the tests' conda."""
    if os.getuid() or shutil.which("buildah") is None:
        pytest.skip("an image is built by root and with buildah")
    if not (Path("/bin").is_symlink() and Path("/usr/lib64").is_dir()):
        pytest.skip("the stand-in for the base image is made of a machine with all in /usr")
    store = ["--root", conda.folder / "images", "--runroot", conda.folder / "containers"]
    python = Path(os.path.realpath(conda.base / "bin/python")).parents[1]
    # An environment's Python looks for its library where it was made, too.
    machine = [f"--volume={path}:{path}:ro" for path in ("/usr", python)]

    def buildah(*arguments, cwd=project.folder):
        command = ["buildah", *store, *arguments]
        result = subprocess.run(command, cwd=cwd, text=True, capture_output=True)
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-5000:]
        return result.stdout.strip()

    tools_of_this_machine(tmp_path / "tools.tar", [str(conda.folder), str(python)])
    (tmp_path / "Containerfile").write_text(
        f"FROM scratch\nADD tools.tar /\nENV PATH={conda.base / 'condabin'}:/usr/bin\n"
    )
    build = ["build", "--isolation", "chroot"]
    buildah(*build, "--tag", "stand-in", ".", cwd=tmp_path)
    with_conda = [*machine, f"--volume={conda.folder}:{conda.folder}:rw"]
    buildah(*build, "--tag", "cmrseg", "--from", "localhost/stand-in", *with_conda, ".")
    container = buildah("from", "cmrseg")
    home = f"--volume={project.folder}:/project:ro"
    try:
        for env in ENVS:
            command = [f"{place(env)}/bin/python", "-I", "-c", IMPORT, *names_of(env)]
            run = ["run", "--isolation", "chroot", "--workingdir", "/project", home]
            buildah(*run, *machine, container, "--", *command)
    finally:
        buildah("rm", container)
