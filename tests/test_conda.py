"""The tiny study with `--use-conda`, and every environment by itself and in the container.

The Python that runs Snakemake lacks what the scripts import, and what a script took from where is
written down: Snakemake puts its own search path behind that of an environment.
"""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
import yaml

from containerfile import containerfile, place
from loopback import served
from own_conda import ENVS, TOOLS, install, require
from test_envs import imports, pins, rules, scripts
from test_sources import row
from tiny_study import ROOT, copy_project, results_of
from tracking import code_of

pytestmark = [pytest.mark.conda, pytest.mark.slow]

# At the end of a script: where its Python and its modules are.
WITNESS = """

import atexit
import json
import os
from pathlib import Path


def _bear_witness():
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    rule = sys.modules["__main__"].snakemake.rule
    Path("witness").mkdir(exist_ok=True)
    text = json.dumps({"rule": rule, "prefix": sys.prefix, "modules": files})
    Path(f"witness/{rule}.{os.getpid()}.json").write_text(text)


atexit.register(_bear_witness)
"""
# Imports these names alone, of the packages of this interpreter and the project's own.
IMPORT = """
import importlib, sys
sys.path.append("workflow")
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


@pytest.fixture(scope="session")
def conda():
    """A conda of our own. It is large, and gone at the end."""
    require()
    # A short path: the first line of a program cannot hold a long one.
    with tempfile.TemporaryDirectory(prefix="conda-") as folder:
        yield install(Path(folder))


@pytest.fixture(scope="session")
def in_conda(conda, tmp_path_factory):
    """A copy of the project in which the tiny study was run with conda."""
    project = copy_project(tmp_path_factory.mktemp("in_conda"))
    with (project.folder / "workflow/stage.py").open("a") as file:
        file.write(WITNESS)
    # The environment for fetching, too, though nothing is fetched here.
    made = conda.snakemake(project, "all", "resources/raw/cmr_seg_tl", "--conda-create-envs-only")
    assert made.returncode == 0, made.stdout[-5000:]
    result = conda.snakemake(project)
    assert result.returncode == 0, result.stdout[-5000:]
    return project


def witnesses(project):
    return [json.loads(p.read_text()) for p in sorted((project.folder / "witness").glob("*.json"))]


def names_of(env: Path) -> list[str]:
    """What the rules of an environment import: others' names and the project's modules."""
    used = [s for r, (_, e) in rules().items() if e == f"envs/{env.name}" for s in scripts(r)]
    modules = {entry.split("@")[0] for script in used for entry in code_of(script)}
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


# -- the tiny study --------------------------------------------------------------------------


def test_with_conda_the_results_are_the_same_bytes(in_conda, tiny):
    first, second = results_of(in_conda), results_of(tiny)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_every_script_ran_on_the_python_of_its_environment(conda, in_conda):
    ran = {(told["rule"], told["prefix"]) for told in witnesses(in_conda)}
    planned = {job.rule for job in in_conda.planned("--forceall")}
    assert {rule for rule, _ in ran} == planned
    assert ran == {(rule, str(conda.place(ROOT / rules()[rule][1]))) for rule in planned}


def test_no_script_took_a_package_from_the_python_of_snakemake(in_conda):
    for told in witnesses(in_conda):
        for name in set().union(*map(imports, scripts(told["rule"]))) & set(told["modules"]):
            assert told["modules"][name].startswith(told["prefix"]), (told["rule"], name)


def test_a_package_that_an_environment_lacks_ends_the_run(conda, tmp_path):
    project = copy_project(tmp_path)
    env = project.folder / "envs/imaging.yaml"
    env.write_text("".join(line for line in env.open() if "pydicom" not in line))
    result = conda.snakemake(project, "results/tiny/phantom/small_7t/0000")
    assert result.returncode != 0
    assert "ModuleNotFoundError: No module named 'pydicom'" in result.stdout


# -- environments by themselves --------------------------------------------------------------


@pytest.mark.parametrize("env", ENVS, ids=lambda p: p.stem)
def test_an_environment_alone_imports_all_that_its_rules_import(conda, in_conda, env):
    # -I: without the variables and the packages of the user.
    command = [conda.place(env) / "bin/python", "-I", "-c", IMPORT, *names_of(env)]
    result = subprocess.run(command, cwd=in_conda.folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_environment_for_fetching_has_kaggle_s_client(conda, in_conda):
    env = conda.place(ROOT / "envs/fetch.yaml")
    result = subprocess.run(
        [env / "bin/kaggle", "--version"], capture_output=True, text=True, env=conda.variables()
    )
    version = pins("envs/fetch.yaml")["kaggle"]
    assert result.stdout.strip() == f"Kaggle CLI {version}", result.stderr


def test_a_file_is_fetched_in_its_environment(conda, in_conda, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = b"fetched"
    with served() as site:
        site.files["/a.txt"] = content
        entry = {"here": {"kind": "files", "url": site.url + "/{path}"}}
        with (in_conda.folder / "resources/sources.yaml").open("a") as file:
            file.write(yaml.safe_dump(entry))
        listed = row("a.txt", content)
        with (in_conda.folder / "resources/checksums.tsv").open("a") as file:
            file.write("\t".join(["here", listed["path"], listed["size"], listed["sha256"]]) + "\n")
        result = conda.snakemake(in_conda, "resources/raw/here")
    assert result.returncode == 0, result.stdout[-5000:]
    assert (in_conda.folder / "resources/raw/here/a.txt").read_bytes() == content
    prefixes = {told["prefix"] for told in witnesses(in_conda) if told["rule"] == "fetch_source"}
    assert prefixes == {str(conda.place(ROOT / "envs/fetch.yaml"))}


# -- the container ---------------------------------------------------------------------------


def instructions(text: str) -> list[str]:
    """Lines of a container definition but comments and the base image."""
    lines = text.replace("\\\n", "").splitlines()
    kept = [" ".join(line.split()) for line in lines if line and not line.startswith("#")]
    return [line for line in kept if not line.startswith("FROM")]


def test_the_container_definition_does_what_snakemake_s_own_does(conda, project):
    result = subprocess.run(
        [conda.folder / "host/bin/python", "-m", "snakemake", "--containerize"],
        cwd=project.folder,
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
