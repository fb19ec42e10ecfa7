"""What a study knows without torch is what the library has."""

from cmrseg.canvas import PREPARATIONS
from cmrseg.learn import schedule, tag_augment
from cmrseg.nets.kinds import KINDS
from study.model_checks import KEEPING, POINT_AUGMENTATIONS, STOPPING


def test_augmentations_that_move_points_are_those_of_the_library():
    assert {"no", *POINT_AUGMENTATIONS} == set(tag_augment.PRESETS)


def test_schedules_that_keep_the_best_epoch_or_stop_are_those_of_the_library():
    assert set(KEEPING) == set(schedule.KEEPING)
    stopping = {n for n, how in schedule.KEEPING.items() if how.patience_epochs < float("inf")}
    assert set(STOPPING) == stopping


def test_networks_that_place_points_see_the_frames_of_their_preparations():
    for kind in KINDS.values():
        frames = {PREPARATIONS[name].frames for name in kind.preparations}
        assert frames == ({kind.frames} if kind.points else {0}), kind.name
