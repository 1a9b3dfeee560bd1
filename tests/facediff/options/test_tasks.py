"""Every option is said once, and is checked wherever it comes from."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from typer.main import get_group

from facediff import Avatar, Clip
from facediff.batch.tasks import tasks
from facediff.cli import app
from facediff.errors import ConfigError
from facediff.motion import driver
from facediff.options import (
    METHODS,
    REGIONS,
    TASKS,
    AnimateOptions,
    EditOptions,
    PortraitOptions,
    SourceOptions,
    TalkOptions,
    VideoOptions,
    check_strength,
    options_of,
)
from facediff.options.marks import MarkOptions, OutputOptions
from facediff.rendering.editing import methods

INPUTS = {"source", "speech", "driving", "output"}
ONLY_TYPED = {"edit": {"list_attributes", "sweep"}}  # what a command does beside making a clip
RECORDS = (*TASKS.values(), SourceOptions, OutputOptions)


@pytest.mark.parametrize("task", TASKS)
def test_flags_fields_of_batches_and_keywords_are_the_same(task):
    own, of_avatar = set(options_of(TASKS[task])), set(options_of(SourceOptions))
    keywords = {
        p.name for p in inspect.signature(getattr(Avatar, task)).parameters.values() if p.kind is p.KEYWORD_ONLY
    }
    flags = {str(p.name) for p in get_group(app).commands[task].params} - INPUTS - ONLY_TYPED.get(task, set())
    assert keywords == own
    assert set(tasks()[task].options) == own | of_avatar | set(options_of(MarkOptions))
    assert flags == own | of_avatar | set(options_of(OutputOptions))


@pytest.mark.parametrize("task", TASKS)
def test_defaults_are_the_same_everywhere(task):
    parameters = inspect.signature(getattr(Avatar, task)).parameters
    flags = {str(p.name): p for p in get_group(app).commands[task].params}
    for name, option in {**options_of(TASKS[task]), **options_of(SourceOptions)}.items():
        assert tasks()[task].options[name].default == option.default
        assert flags[name].default == option.default
        if name in options_of(TASKS[task]):
            assert parameters[name].default == option.default


@pytest.mark.parametrize("save", [Clip.save, Clip.save_frame, Clip.save_part, Clip.join])
def test_what_marks_a_clip_are_keywords_of_all_that_writes_one(save):
    keywords = {p.name: p.default for p in inspect.signature(save).parameters.values() if p.kind is p.KEYWORD_ONLY}
    assert keywords.items() >= {name: option.default for name, option in options_of(MarkOptions).items()}.items()
    assert keywords.keys() - options_of(MarkOptions) <= {"progress"}
    for flag in ("label", "aigc", "timestamp"):
        assert f"    {flag}: " in inspect.getdoc(save)


def test_keywords_that_make_avatars_are_those_of_the_records():
    for make, record in (
        (Avatar.from_image, PortraitOptions), (Avatar.from_video, VideoOptions), (Avatar.from_file, SourceOptions),
    ):  # fmt: skip
        keywords = [p for p in inspect.signature(make).parameters.values() if p.kind is p.KEYWORD_ONLY]
        assert {p.name: p.default for p in keywords} == {o.name: o.default for o in options_of(record).values()}


@pytest.mark.parametrize("record", RECORDS)
def test_every_option_says_what_it_does_and_its_default_is_taken(record):
    made = record()
    for name, option in options_of(record).items():
        assert option.opt.help.endswith(".") and option.opt.help[0] == option.opt.help[0].upper() or name in (
            "model", "device", "method",
        )  # fmt: skip
        assert getattr(made, name) == option.default
    assert made.recorded() == {}


def test_choices_are_those_of_who_reads_them():
    assert set(REGIONS) == set(driver.REGIONS)
    assert (methods.PROTOTYPE, *methods.METHODS) == METHODS


@pytest.mark.parametrize("record", RECORDS)
def test_ranges_hold_at_their_ends_and_not_beyond(record):
    for name, option in options_of(record).items():
        low, high = option.opt.low, option.opt.high
        if low is None or high is None:
            continue
        for end in (low, high):
            assert getattr(record(**{name: end}), name) == end
        for beyond in (low - 1, high + 1, math.nan, math.inf, -math.inf):
            with pytest.raises(ConfigError, match=f"^{name} is .*, not "):
                record(**{name: beyond})


@pytest.mark.parametrize(
    ("record", "given", "said"),
    [
        (TalkOptions, {"seed": -1}, "seed is a whole number from 0 to 2**63 - 1, not -1"),
        (TalkOptions, {"seed": 1.5}, "seed is a whole number from 0 to 2**63 - 1, not 1.5"),
        (TalkOptions, {"steps": True}, "steps is a whole number from 1 to 1000, not True"),
        (TalkOptions, {"steps": "many"}, "steps is a whole number from 1 to 1000, not 'many'"),
        (TalkOptions, {"lips": math.nan}, "lips is a strength from 0 to 3, not nan"),
        (TalkOptions, {"lips": None}, "lips is a strength from 0 to 3, not None"),
        (TalkOptions, {"still": "yes"}, "still is true or false, not 'yes'"),
        (TalkOptions, {"scheduler": 3}, "scheduler is text, not 3"),
        (TalkOptions, {"fps": 0}, "fps is a number from 1 to 120, not 0"),
        (TalkOptions, {"prior_strength": 2}, "prior_strength is a share from 0 to 1, not 2"),
        (AnimateOptions, {"region": "nose"}, "region is one of all, expression, lips, eyes, brows, pose, not 'nose'"),
        (EditOptions, {"method": "magic"}, "method is one of prototype, delta, inversion, not 'magic'"),
        (EditOptions, {"text_strength": -4}, "text_strength is a strength from -3 to 3, not -4"),
        (SourceOptions, {"face": "up"}, "face is 'largest', 'left', 'right' or an index from the left, not 'up'"),
        (SourceOptions, {"on_missing_face": "cry"}, "on_missing_face is one of keep, hold, error, not 'cry'"),
        (OutputOptions, {"watermark": 2}, "watermark is true or false, not 2"),
    ],
)
def test_a_refusal_is_one_sentence_that_begins_with_the_name(record, given, said):
    with pytest.raises(ConfigError) as refused:
        record(**given)
    assert str(refused.value) == said


def test_a_long_value_is_cut_short():
    with pytest.raises(ConfigError) as refused:
        AnimateOptions(region="x" * 10_000)
    assert len(str(refused.value)) < 200


def test_values_become_scalars_of_python(tmp_path):
    options = TalkOptions(seed=np.int64(3), lips=np.float32(0.5), still=np.bool_(True), head=2, domain=tmp_path)
    assert [type(value) for value in (options.seed, options.lips, options.still)] == [int, float, bool]
    assert options.head == 2 and options.domain == str(tmp_path)
    assert SourceOptions(face="1").face == 1 and SourceOptions(face="largest").face == "largest"


def test_records_keep_what_differs_and_nothing_that_leaves_the_frames_alone():
    assert TalkOptions(seed=3, lips=1.5, paint=False).recorded() == {"lips": 1.5, "paint": False}
    assert EditOptions(cached=False, method="delta").recorded() == {"method": "delta"}
    assert MarkOptions(label="de", timestamp="http://x/", watermark=False).recorded() == {"label": "de"}
    assert SourceOptions(face=1, model="mine", device="cpu", consent="yes").recorded() == {"face": 1}


@pytest.mark.parametrize("strength", [-2.1, 2.1, math.nan])
def test_strengths_of_edits_have_a_range(strength):
    check_strength("smile", -2)
    with pytest.raises(ConfigError, match="smile is a strength from -2 to 2, not "):
        check_strength("smile", strength)
