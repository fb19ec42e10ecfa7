"""A study of three people and three models, as its tests change it; two builders of fixtures."""

import copy
from pathlib import Path

from study.load import load_study

SUBJECTS = (
    "subject\tsplit\tedv_ml\tesv_ml\n1\ttrain\t150\t60\n2\ttrain\t120\t50\n3\tvalidate\t200\t90\n"
)
MODELS = """\
model network encoder width tissues cohort labeller subset splits start preparation intensity \
size_px augmentation loss batch schedule lr_frozen epochs_frozen lr epochs seed
fcn fcn - 4 lv,my,rv people truth all train random fcn linear 64 fcn ce 2 constant 0 0 0.001 2 1
base unet resnet34 8 lv,my people fcn c10 train random unet linear 64 no ce 4 onecycle 0 0 0.001 2 1
next unet resnet34 8 lv,my people truth all train base unet linear 64 no ce 4 onecycle 0 0 0.001 2 1
"""
CATALOGUE = """\
published_sa: {source: x, sequence: sa, network: fcn, encoder: "", width: 16,
  tissues: "lv,my,rv",  preparation: fcn, intensity: linear, size_px: 192}
published_2ch: {source: x, sequence: la_2ch}
"""
RECORD = (
    '{"settings": {"network": "unet", "encoder": "resnet34", "width": 8, "tissues": "lv,my", '
    '"preparation": "unet", "intensity": "linear", "size_px": 64, "seed": 5}}'
)


def as_table(text):
    rows = [line.split(" ") for line in text.strip().split("\n")]
    return "\n".join("\t".join("" if c == "-" else c for c in row) for row in rows) + "\n"


def small_study(tmp_path, monkeypatch):
    """Build the study of a small config after an edit of the config or one of its tables."""
    monkeypatch.chdir(tmp_path)
    config = {
        "study": "small",
        "cohorts": {
            "people": {
                "subjects": "subjects.tsv",
                "subjects_per_job": 2,
                "layout": "kaggle",
                "raw": "raw",
                "annotators": {"truth": "masks"},
            }
        },
        "models": "models.tsv",
        "imagenet": "if_present",
        "volumes": {"ed": "max"},
        "confidence": {"cohort": "people", "labeller": "fcn"},
        "evaluate": [{"cohort": "people", "labellers": ["base"], "reference": "truth"}],
        "figures": {"errors": {"figure": "ef_error", "cohort": "people"}},
    }

    def build(edit=lambda config: None, subjects=SUBJECTS, models=MODELS):
        changed = copy.deepcopy(config)
        edit(changed)
        Path("subjects.tsv").write_text(subjects)
        Path("models.tsv").write_text(as_table(models))
        return load_study(changed)

    return build


def given_model(make):
    """Build a study that names a model's folder in `weights`."""
    Path("resources").mkdir()
    Path("resources/weights.yaml").write_text(CATALOGUE)
    folder = Path("elsewhere/mine")
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").touch()
    (folder / "record.json").write_text(RECORD)

    def build(path, edit=lambda config: None, **tables):
        def both(config):
            config["weights"] = {"mine": path}
            edit(config)

        return make(both, **tables)

    return build
