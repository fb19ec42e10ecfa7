"""The demo study on a Slurm cluster, each job in its conda environment, against `make demo`.

The Python that runs Snakemake lacks what the scripts import, and what a script took from where is
written down: Snakemake puts its own search path behind that of an environment.
"""

import pytest
from test_envs import imports, rules, scripts
from test_profile import GPU_BLOCK, SET
from test_slurm import GROUPED, GROUPS

from own_conda import bear_witness, witnesses
from slurm_cluster import start_run
from tiny_study import ROOT, Project, copy_project, results_of

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def elsewhere(demo, cluster, conda, tmp_path_factory) -> Project:
    """A copy of the project in which the demo study was run so."""
    project = Project(copy_project(tmp_path_factory.mktemp("elsewhere")).folder, "demo")
    bear_witness(project)
    run = start_run(
        cluster,
        project,
        "run",
        *GROUPED,
        *conda.options,
        config="",
        python=conda.python,
        variables=conda.variables(),
    )
    assert run.finish(7200) == 0, run.text[-5000:]
    return project


def test_the_results_are_those_of_the_demo_on_this_machine_byte_by_byte(elsewhere):
    here, there = results_of(Project(ROOT, "demo")), results_of(elsewhere)
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_rules_with_a_gpu_land_in_its_partition_and_others_never_do(cluster, elsewhere):
    jobs = cluster.jobs(elsewhere).values()
    assert {job["rule"] for job in jobs} >= {"import", "evaluate", "figures", *GPU_BLOCK}
    assert {job["rule"] for job in jobs} <= set(SET) | set(GROUPS.values())
    for job in jobs:
        assert job["JobState"] == "COMPLETED"
        assert job["Partition"] == ("gpu" if job["rule"] in GPU_BLOCK else "cpu"), job["rule"]


def test_every_script_ran_on_the_python_of_its_environment(conda, elsewhere):
    ran = {(told["rule"], told["prefix"]) for told in witnesses(elsewhere)}
    planned = {job.rule for job in elsewhere.planned("--forceall", config="")}
    assert planned >= {"make_phantom", "train_model", "draw_figure"}
    assert {rule for rule, _ in ran} == planned
    assert ran == {(rule, str(conda.place(ROOT / rules()[rule][1]))) for rule in planned}


def test_no_script_took_a_package_from_the_python_of_snakemake(elsewhere):
    for told in witnesses(elsewhere):
        names = set().union(*map(imports, scripts(told["rule"]))) & set(told["modules"])
        # Every stage limits its threads.
        assert "threadpoolctl" in names, told["rule"]
        for name in names:
            assert told["modules"][name].startswith(told["prefix"]), (told["rule"], name)


def test_a_finished_study_has_nothing_to_be_done_on_the_cluster(conda, elsewhere):
    result = conda.snakemake(elsewhere, "--dry-run", config="")
    assert "Nothing to be done" in result.stdout
