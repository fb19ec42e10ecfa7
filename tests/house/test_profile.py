"""The SLURM profile decides about every rule, and only repeats what the rules themselves state."""

import re

import pytest
import yaml
from test_house import ACTIONS, WORKING, section

from tiny_study import ROOT

PATH = ROOT / "workflow/profiles/slurm/profile.yaml"
TEXT = PATH.read_text("utf-8")
PROFILE = yaml.safe_load(TEXT)
SET = PROFILE["set-resources"]
DEFAULT_PARTITION = PROFILE["default-resources"]["slurm_partition"]
GPU_BLOCK = {rule for rule, about in SET.items() if "slurm_partition" in about}
LOCAL = {rule for rule in WORKING if section(rule, "localrule") == "True"}
DEFAULT = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text("utf-8"))
# Goes on where it was ended, so a further attempt needs no more time than the first.
RESUMES = {"train_model"}


def stated(rule: str, resource: str) -> int | None:
    """What a rule itself asks for."""
    found = re.search(rf"\b{resource}=(\d+)", section(rule, "resources"))
    return int(found[1]) if found else None


def asked(rule: str, resource: str, attempt: int) -> int:
    """What the profile asks for at an attempt: a number, or a number times the attempt."""
    number, *times = str(SET[rule][resource]).split(" * ")
    assert times in ([], ["attempt"])
    return int(number) * (attempt if times else 1)


def test_the_rules_that_use_a_gpu_are_those_of_the_gpu_block():
    assert {rule for rule in WORKING if stated(rule, "gpu")} == GPU_BLOCK
    assert {SET[rule]["slurm_partition"] for rule in GPU_BLOCK}.isdisjoint({DEFAULT_PARTITION})
    # How many GPUs is the rule's affair alone.
    assert not [rule for rule, about in SET.items() if set(about) & {"gpu", "gres", "slurm_extra"}]


def test_every_rule_that_is_submitted_is_in_the_profile_and_no_other():
    assert set(SET) == set(WORKING) - LOCAL


def test_fetching_and_tidying_is_done_by_the_machine_that_runs_snakemake():
    assert {rule for rule in WORKING if rule.startswith("fetch_")} | ACTIONS == LOCAL


@pytest.mark.parametrize("rule", sorted(SET))
def test_the_first_attempt_asks_for_what_the_rule_states_and_the_next_for_more(rule):
    assert set(SET[rule]) <= {"slurm_partition", "cpus_per_task", "mem_mb", "runtime"}
    for resource in ("mem_mb", "runtime"):
        attempts = [asked(rule, resource, attempt) for attempt in (1, 2, 3)]
        assert attempts[0] == stated(rule, resource)
        grows = 0 if resource == "runtime" and rule in RESUMES else attempts[0]
        assert attempts == [attempts[0] + grows * more for more in range(3)]


def test_every_key_has_a_comment_right_above():
    lines = TEXT.splitlines()
    for number, line in enumerate(lines):
        key = re.match(r"( *)([\w-]+):", line)
        if key and len(key[1]) < 4 and key[2] not in ("slurm_partition",):
            assert re.match(r" *# \S", lines[number - 1]), f"{key[2]} has no comment"


def test_both_profiles_re_run_for_the_same_reasons_and_time_stamps_of_scripts_are_none():
    assert DEFAULT["rerun-triggers"] == ["mtime", "params", "input", "software-env"]
    assert PROFILE["rerun-triggers"] == DEFAULT["rerun-triggers"]


def test_the_profile_names_no_site():
    for word in ("account", "qos", "constraint", "reservation", "mail", "module"):
        assert not re.search(rf"^[^#\n]*{word}", TEXT, re.M)


def test_a_dry_run_with_the_profile_plans_the_same_jobs(project):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    with_it = project.planned("--workflow-profile", "workflow/profiles/slurm")
    assert {job.outputs for job in with_it} == {job.outputs for job in project.planned()}
