"""What `make demo` shows first: Snakemake makes what it is told to before all else."""

import re

from tiny_study import ROOT, Project, copy_project


def test_the_first_figure_of_the_demo_needs_one_cohort_and_no_network(tmp_path):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "--prioritize $(FIRST_FIGURE)" in makefile
    (figure,) = re.findall(r"^FIRST_FIGURE := (\S+)$", makefile, re.MULTILINE)
    project = Project(copy_project(tmp_path).folder, "demo")
    jobs = project.planned(figure, config="")
    assert {job.rule for job in jobs} == {
        "make_phantom",
        "import_dicom",
        "collect_audit",
        "draw_figure",
    }
    assert {dict(job.wildcards).get("cohort", "kaggle") for job in jobs} == {"kaggle"}
