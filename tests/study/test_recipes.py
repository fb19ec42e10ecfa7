"""The models table with recipes: the same rows as without, and wrong recipes refused by name."""

import re
from pathlib import Path

import pytest
import yaml

from paper_tables import SEARCH
from small_study import MODELS, small_study
from study.recipes import OF_THE_MODEL, read_models, read_recipes
from study.tables import StudyError
from tiny_study import ROOT

make = pytest.fixture(small_study)

# The table of the small study with all that its rows share in two recipes.
RECIPES = """\
small_fcn: {network: fcn, encoder: none, width: 4, tissues: "lv,my,rv", preparation: fcn,
  intensity: linear, size_px: 64, augmentation: fcn, loss: ce, batch: 2, schedule: constant,
  lr: 0.001, epochs: 2}
small_unet: {network: unet, encoder: resnet34, width: 8, tissues: "lv,my", preparation: unet,
  intensity: linear, size_px: 64, augmentation: "no", loss: ce, batch: 4, schedule: onecycle,
  lr_frozen: 0, epochs_frozen: 0, lr: 1e-3, epochs: 2}
"""
SHORT = """\
model recipe cohort labeller start subset
fcn small_fcn people truth random -
base small_unet people fcn random c10
next small_unet people truth base -
"""


@pytest.fixture
def short(make):
    """Build the small study of a short table and a file of recipes."""

    def build(models=SHORT, recipes=RECIPES, edit=lambda config: None):
        Path("own.yaml").write_text(recipes)

        def both(config):
            config["recipes"] = "own.yaml"
            edit(config)

        return make(both, models=models)

    return build


def with_column(name: str, *cells: str) -> str:
    """The short table with one more column."""
    lines = zip(SHORT.strip().split("\n"), (name, *cells), strict=True)
    return "\n".join(f"{line} {cell}" for line, cell in lines) + "\n"


def test_a_row_with_its_recipe_is_the_row_that_says_everything(make, short):
    expected = repr(make().models)
    assert repr(short().models) == expected
    assert "recipe" not in short().models["base"]


def test_neither_name_nor_place_nor_order_of_a_value_is_told(make, short):
    renamed = [text.replace("small_unet", "another") for text in (SHORT, RECIPES)]
    expected = repr(make().models)
    assert repr(short(*renamed).models) == expected
    moved = RECIPES.replace("schedule: onecycle,", "")
    table = with_column("schedule", "-", "onecycle", "onecycle")
    assert repr(short(table, moved).models) == expected
    reversed_keys = yaml.safe_dump(yaml.safe_load(RECIPES), sort_keys=True)
    assert repr(short(recipes=reversed_keys).models) == expected


def test_a_filled_cell_goes_before_the_recipe_and_an_empty_one_takes_its_value(short):
    models = short(with_column("lr", "-", "0.5", "-")).models
    assert [models[name]["lr"] for name in models] == [0.001, 0.5, 0.001]


def test_none_is_an_empty_value_and_no_recipe(make, short):
    recipes = RECIPES.replace("{network: unet,", "{network: unet, islands: code,")
    models = short(with_column("islands", "-", "none", "-"), recipes).models
    assert [models[name]["islands"] for name in models] == ["", "", "code"]
    models = short(with_column("encoder", "none", "-", "-")).models
    assert models["fcn"]["encoder"] == ""
    head, *rows = MODELS.strip().split("\n")
    lines = [f"{head} recipe", *(f"{row} none" for row in rows)]
    assert repr(make(models="\n".join(lines) + "\n").models) == repr(make().models)


def test_a_value_that_nobody_says_has_the_default_of_its_column(short):
    row = short().models["fcn"]
    keys = ("subset", "splits", "seed", "lr_frozen", "epochs_frozen")
    assert [row[key] for key in keys] == ["all", "train", 1, 0.0, "0"]


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        (SHORT.replace("base small_unet", "base small_une"),
         r"models.tsv, line 3: no recipe 'small_une' in own.yaml; did you mean 'small_unet'\?"),
        (SHORT.replace("base small_unet", "base x"),
         "no recipe 'x' in own.yaml; there are small_fcn, small_unet"),
        (SHORT.replace("base small_unet", "base -"),
         "line 3: has no 'network', which is needed; fill the cell, or name a recipe with it"),
        (SHORT.replace("people truth base", "people - base"),
         "line 4: has no 'labeller', which is needed, and recipe small_unet does not have it "
         "either; fill the cell$"),
        (with_column("size_px", "-", "none", "-"), "line 3: size_px is 'none', expected a number"),
        (with_column("size_px", "-", "65", "-"), "line 3: size_px: 65 is not a multiple of 16"),
        (with_column("sise_px", "-", "65", "-"), "unknown key 'sise_px'; did you mean 'size_px'"),
    ],
)  # fmt: skip
def test_a_row_that_is_wrong_is_refused(short, models, sentence):
    with pytest.raises(StudyError, match=sentence):
        short(models)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("width: 8", "widht: 8", "recipe small_unet: unknown key 'widht'; did you mean 'width'"),
        ("width: 8", "x: 8", "recipe small_unet: unknown key 'x'; known keys: network, encoder, "),
        ("width: 8", "seed: 8", "recipe small_unet: seed is of a single model; put it into the"),
        ("width: 8", "width: 0.5", "small_unet: width is 0.5, expected a whole number of at least"),
        ("width: 8", "width: 300", "width is 300, expected a whole number of at least 1 and at mo"),
        ("size_px: 64, augmentation: \"", "size_px: 65, augmentation: \"",
         "own.yaml: recipe small_unet: size_px is 65, .* at most 1024 and a multiple of 16; docs/"),
        ("lr: 1e-3", "lr: 0", "lr is 0, expected a number above 0"),
        ("lr: 1e-3", "lr: .nan", "own.yaml: nan is not a usable number"),
        ("lr: 1e-3", "lr: nan", "recipe small_unet: lr: nan is not a usable number"),
        ("lr: 1e-3", "lr: fast", "lr is 'fast', expected a number above 0"),
        ("epochs: 2}\n$", "epochs: 5+}\n", r"epochs is '5\+', expected text: Epochs of .* as in 5"),
        ("loss: ce, batch: 4", "loss: cee, batch: 4", "loss is 'cee', expected one of ce, focal"),
        ("network: unet", "network: [unet]", r"network is \['unet'\], expected one of fcn, unet"),
        ("encoder: resnet34", "encoder: resnet", "expected one of none, resnet34, resnet50"),
        ("\"no\"", "no", "augmentation is False, expected one of no, .*; YAML takes no, yes, off"),
        ("encoder: none", "encoder: ", "encoder is None, expected .*; write none for nothing, or"),
        ("small_unet", "small unet", "own.yaml: recipe 'small unet', expected a name of lower-cas"),
        ("small_unet", "7", "own.yaml: recipe 7, expected a name of lower-case letters, digits"),
        ("small_unet", "none", "recipe 'none' is what a row without one says; rename it"),
        ("small_unet:", "more: 7\nsmall_unet:", "recipe more is 7, expected keys and values"),
    ],
)  # fmt: skip
def test_a_recipe_that_is_wrong_is_refused(short, old, new, sentence):
    recipes = re.sub(old.replace("+", r"\+"), new, RECIPES)
    assert recipes != RECIPES
    with pytest.raises(StudyError, match=sentence):
        short(recipes=recipes)


def test_a_missing_file_of_recipes_is_named(short):
    with pytest.raises(
        StudyError, match=r"recipes: no file elsewhere\.yaml; name an existing file"
    ):
        short(edit=lambda config: config.update(recipes="elsewhere.yaml"))


def test_recipes_of_the_working_directory_go_before_those_of_the_workflow(make):
    table = SHORT.replace("small_fcn", "fcn_demo").replace("small_unet", "unet_demo")
    assert make(models=table).models["fcn"]["width"] == 8
    Path("config").mkdir()
    own = RECIPES.replace("small_fcn", "fcn_demo").replace("small_unet", "unet_demo")
    Path("config/recipes.yaml").write_text(own)
    assert make(models=table).models["fcn"]["width"] == 4


def test_a_table_without_recipes_reads_no_file_of_them(make):
    Path("config").mkdir()
    Path("config/recipes.yaml").write_text("no recipes")
    assert list(make().models) == ["fcn", "base", "next"]


# -- the recipes that come with the workflow ---------------------------------------------------


def rows_of(table: str) -> dict:
    return read_models(str(ROOT / "config/models" / table), "config/recipes.yaml")


def test_the_published_trainings_are_as_published(monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = rows_of("paper.tsv")
    first = {
        **{
            "network": "unet_compat",
            "encoder": "resnet34",
            "width": 64,
            "sequence": "sa",
            "task": "segment",
            "tissues": "lv,my",
            "activation": "",
        },
        **{"cohort": "kaggle", "labeller": "ukbb", "subset": "c05", "splits": "train"},
        **{"start": "imagenet", "preparation": "unet", "intensity": "greys", "size_px": 256},
        **{"augmentation": "normal", "loss": "ce", "batch": 32, "schedule": "onecycle"},
        **{"lr_frozen": 0.0001, "epochs_frozen": "5+10+15", "lr": 0.00001, "epochs": "5+10+15"},
        **{"seed": 42, "head_weights": "", "islands": "", "views": 1, "folds": 1, "seeds": 1},
        **{"coarse": "", "coarse_channel": "no"},
        **{"least_epochs": 0, "averaged": 0.0, "precision": "float32"},
    }
    for model, own in SEARCH.items():
        assert rows[model] == {"model": model} | first | own
    at_7t = {"cohort": "seven_tesla", "labeller": "expert1", "intensity": "linear", "batch": 8}
    at_7t |= {"augmentation": "extreme", "epochs_frozen": "10", "epochs": "10"}
    others = {name: row for name, row in rows.items() if name not in SEARCH}
    assert len(others) == 27
    for model, row in others.items():
        own = {"model": model, "start": row["start"], "subset": row["subset"]}
        assert row == first | at_7t | own


def test_every_recipe_of_ours_has_a_comment_with_its_source_and_is_of_use():
    text = (ROOT / "config/recipes.yaml").read_text("utf-8")
    recipes = read_recipes(str(ROOT / "config/recipes.yaml"))
    assert re.findall(r"^# .*\n(\w+):(?: &\w+)?\n", text, re.M) == list(recipes)
    tables = [p.read_text("utf-8") for p in (ROOT / "config/models").glob("*.tsv")]
    used = {line.split("\t")[1] for table in tables for line in table.split("\n")[1:] if line}
    documents = (ROOT / "docs/studies.md").read_text("utf-8")
    assert [name for name in recipes if name not in used and f"`{name}`" not in documents] == []


def test_the_row_that_the_document_shows_can_be_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs/studies.md").read_text("utf-8")
    (block,) = re.findall(r"^   ```\n(   model\t.*?)^   ```", text, re.M | re.S)
    Path("clinic.tsv").write_text(re.sub("^   ", "", block, flags=re.M))
    row = read_models("clinic.tsv", "config/recipes.yaml")["net"]
    assert (row["network"], row["cohort"], row["epochs"]) == ("unet", "clinic", "30")


def test_the_document_names_what_is_of_a_single_model():
    text = (ROOT / "docs/studies.md").read_text("utf-8")
    section = " ".join(text.split("\n### Recipes\n")[1].split("\n### ")[0].split())
    own = [f"`{name}`" for name in OF_THE_MODEL if name != "recipe"]
    assert f"{', '.join(own[:-1])} and {own[-1]} are of the row alone" in section
