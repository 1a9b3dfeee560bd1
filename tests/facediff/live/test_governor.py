"""What is given up where a machine cannot keep up."""

from __future__ import annotations

from facediff.live.governor import Governor
from facediff.live.renderer import levels


def drive(governor, cost, seconds):
    """Time goes by on a machine on which a level costs so much."""
    names = []
    for _ in range(int(seconds * 25)):
        level = governor.level
        spent = cost[level.name]
        governor.measure(level, spent)
        governor.pass_time(1, int(spent > 0.04 * level.every))
        names.append(level.name)
    return names


def test_steps_go_first_then_painting_then_frames():
    assert [level.name for level in levels(2, True)] == [
        "all", "1 step", "refined alone", "half the frames", "a quarter of the frames",
    ]  # fmt: skip
    assert [level.steps for level in levels(5, True)] == [5, 2, 1, 0, 0, 0]
    assert [level.name for level in levels(2, False)] == ["all", "half the frames", "a quarter of the frames"]


def test_it_goes_down_as_far_as_it_must_and_no_further():
    cost = {"all": 0.08, "1 step": 0.06, "refined alone": 0.03, "half the frames": 0.03}
    names = drive(Governor(levels(2, True), 0.04), cost, 3)
    assert list(dict.fromkeys(names)) == ["all", "1 step", "refined alone"]


def test_a_fast_machine_gives_up_nothing():
    assert set(drive(Governor(levels(2, True), 0.04), {"all": 0.02}, 20)) == {"all"}


def test_what_was_given_up_comes_back_when_the_load_has_gone():
    governor = Governor(levels(2, True), 0.04)
    slow = {level.name: 0.3 for level in levels(2, True)}
    assert drive(governor, slow, 4)[-1] == "a quarter of the frames"
    fast = dict.fromkeys(slow, 0.02)
    assert drive(governor, fast, 900)[-1] == "all"


def test_trials_that_fail_become_rare():
    cost = {"all": 0.08, "1 step": 0.03, "refined alone": 0.02}
    names = drive(Governor(levels(2, True), 0.04), cost, 600)
    assert names.count("all") / len(names) < 0.02


def test_who_is_waited_for_is_not_denoised_and_no_more_is_done_than_usual():
    governor = Governor(levels(2, True), 0.04)
    assert governor.hasty.name == "refined alone"
    drive(governor, {"all": 0.9, "1 step": 0.9, "refined alone": 0.9, "half the frames": 0.01}, 3)
    assert governor.level.every > 1 and governor.hasty == governor.level
