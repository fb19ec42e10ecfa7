"""Studies with networks of aortic cines, of single frames and over time, by their recipes."""

import pytest

from small_study import small_study
from study.tables import StudyError

make = pytest.fixture(small_study)

HEAD = "model recipe cohort labeller start sequence tissues network width\n"
FRAMES = "frames unet_bai_ao people aorta random - - - -\n"
OVER_TIME = "over_time unet_lstm_bai people aorta {start} - - - {width}\n"


@pytest.fixture
def study(make):
    """Build a study of a cohort with aortic cines, 4-chamber views and scars, and their labels."""

    def build(*rows):
        def edit(config):
            cohort = config["cohorts"]["people"]
            cohort.update(layout="nifti", sequences=["ao", "la_2ch", "la_4ch", "c0"])
            cohort["annotators"] = {
                "aorta": {"form": "nifti", "sequence": "ao"},
                "two": {"form": "nifti", "sequence": "la_2ch"},
                "four": {"form": "nifti", "sequence": "la_4ch"},
                "scar": {"form": "nifti", "sequence": "c0"},
            }
            config.pop("confidence")
            config.update(figures={}, evaluate=[])
            config["predict"] = []

        return make(edit, models=HEAD + "".join(rows))

    return build


def test_a_network_over_time_is_trained_and_starts_from_one_of_single_frames(study):
    found = study(FRAMES, OVER_TIME.format(start="frames", width="-"))
    frames, over_time = (found.models[name] for name in ("frames", "over_time"))
    shared = {
        **{"width": 16, "sequence": "ao", "tissues": "aao,dao", "preparation": "zscore"},
        **{"size_px": 256, "augmentation": "aorta", "loss": "ce", "lr": 0.001},
        **{"schedule": "constant_tensorflow", "intensity": "linear"},
    }
    assert {name: frames[name] for name in shared} == shared
    assert {name: over_time[name] for name in shared} == shared
    assert (frames["network"], frames["batch"], frames["epochs"]) == ("unet_bai", 5, "250")
    assert (over_time["network"], over_time["batch"], over_time["epochs"]) == ("unet_lstm", 1, "50")
    assert found.slices_name("frames") == found.slices_name("over_time")
    assert found.slices_name("frames") == "ao_aao-dao_zscore_linear_256"


def test_long_axes_are_trained_by_the_recipe_of_the_short_axis(study):
    found = study(
        "atrium fcn_bai people two random la_2ch la - -\n",
        "atria fcn_bai people four random la_4ch la,ra - -\n",
        "chambers fcn_bai people four random la_4ch lv,my,rv,la,ra - -\n",
    )
    own = {"model", "sequence", "tissues", "labeller"}
    rows = [{k: v for k, v in row.items() if k not in own} for row in found.models.values()]
    assert rows[0] == rows[1] == rows[2]
    assert rows[0]["schedule"] == "constant_tensorflow"
    assert found.slices_name("chambers") == "la_4ch_lv-my-rv-la-ra_fcn_linear_192"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [FRAMES, OVER_TIME.format(start="frames", width="8")],
            "model over_time: width is '8', but its start frames has '16'",
        ),
        (
            [OVER_TIME.format(start="random", width="-"), FRAMES.replace("random", "over_time")],
            "model frames: network is 'unet_bai', but its start over_time has 'unet_lstm'",
        ),
        (
            ["still unet_lstm_bai people scar random c0 lv,my - -\n"],
            "model still: network unet_lstm sees 9 frames of a beat together; images c0 are no c",
        ),
        (
            ["other unet_lstm_bai people aorta random - - fcn -\n"],
            "model other: network fcn with preparation zscore; it has fcn",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(study, rows, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(*rows)
