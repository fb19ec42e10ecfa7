"""The container definition holds every environment as it is now."""

import shutil

import pytest

from containerfile import ROOT, containerfile, env_files, place


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    return tmp_path


def test_the_container_definition_is_the_one_that_its_script_writes():
    assert (ROOT / "Containerfile").read_text("utf-8") == containerfile(), (
        "Containerfile is not what tests/helpers/containerfile.py makes; run it"
    )


def test_every_environment_is_copied_and_made_at_the_place_that_its_content_names():
    text = containerfile()
    assert len(env_files()) == 7
    for env in env_files():
        assert f"COPY envs/{env.name} {place(env)}/environment.yaml\n" in text
        assert text.count(f"conda env create --prefix {place(env)} ") == 1


def test_an_edit_of_an_environment_changes_its_place_and_the_label(copy):
    before = containerfile(copy).splitlines()
    with (copy / "envs/plot.yaml").open("a") as file:
        file.write("  - six=1.17.0\n")
    after = containerfile(copy).splitlines()
    changed = [line for line in before if line not in after]
    assert len(changed) == 4
    assert [line.split()[0] for line in changed] == ["LABEL", "RUN", "COPY", "conda"]
    (plot,) = (env for env in env_files() if env.name == "plot.yaml")
    assert all("plot" in line or place(plot) in line for line in changed[1:])


def test_the_base_image_is_pinned():
    base = containerfile().split("FROM ")[1].split()[0]
    assert base.rpartition(":")[2] not in ("", "latest")


def test_the_folder_that_is_sent_to_be_built_holds_the_environments_alone():
    assert (ROOT / ".dockerignore").read_text("utf-8").split() == ["*", "!envs"]
