"""From footage to a domain model, with networks so small that it takes seconds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from facediff.audio.encoder import load_encoder
from facediff.datasets.footage import read_footage
from facediff.errors import ConfigError, InputError, OutputError, WeightsError
from facediff.pipelines.domains import base_hash, read_card
from facediff.pipelines.loading import load_domain_talk, load_talk
from facediff.pipelines.video_adapter import Mix
from facediff.training import adaptation
from facediff.training.adaptation import AdaptRecipe, adapt, hold_out
from facediff.training.loop import LoopConfig
from facediff.training.runs import FRAMES, ClipRuns, build_runs
from facediff.training.sampling_error import sampling_error
from facediff.training.space_time import RunSource

pytestmark = pytest.mark.usefixtures("one_thread")
STEPS = 6


def recipe(**changes) -> AdaptRecipe:
    return AdaptRecipe(**{"steps": STEPS, "batch_size": 1, **changes})


LOW = recipe(method="lora", rank=2, learning_rate=0.05)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Where the footage is read to once for many tests."""
    return tmp_path_factory.mktemp("cache")


def read_from(cache: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(adaptation, "build_runs", lambda clips, work, *rest, **more: build_runs(clips, cache, *rest, **more))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights in a domain model, by file and name."""
    return {
        f"{path.relative_to(folder)} {name}": weight
        for path in sorted(folder.rglob("*.safetensors"))
        for name, weight in load_file(path).items()
    }


def fake_runs(count: int) -> ClipRuns:
    """Runs that carry nothing but their number."""
    empty = np.zeros((count, FRAMES, 1), np.float32)
    fields = {name: empty for name in ClipRuns.__annotations__}
    return ClipRuns(**{**fields, "start": np.arange(count)})


def held_out(footage: Path, model: Path, cache: Path) -> list[RunSource]:
    """What ``adapt`` has measured on, made again."""
    _, painting = load_talk(model, "cpu")
    clips = read_footage(footage)
    runs = build_runs(clips, cache, painting.codec, load_encoder("log-mel"))
    return hold_out([RunSource(runs[c.name], is_heard=c.sound is not None) for c in clips if c.name in runs])[1]


def test_the_card_says_what_was_learnt_from_what(adapted, tiny_model) -> None:
    card = adapted.card
    assert read_card(adapted.folder) == card
    assert (card.name, card.method, card.steps, card.clips) == ("anna", "small", STEPS, 2)
    assert card.base_sha256 == base_hash(tiny_model)
    assert card.seconds == pytest.approx((8 + 2) * FRAMES / 25, abs=0.06)  # one run of each clip is held out
    assert list(card.figures) == [f"strength {s}" for s in ("0", "0.1", "0.3", "0.5", "0.7", "0.9", "1")]
    assert card.figures[f"strength {card.prior_strength:g}"] == min(card.figures.values())


def test_it_tells_how_far_it_is(adapted) -> None:
    reading = [k for what, k, n in adapted.told if what == "reading the footage" and n == 3]
    assert reading == sorted(reading) and reading[-1] == 3
    assert len(reading) > 100  # a word at each frame, so that who wants to stop need not wait
    assert [(k, n) for what, k, n in adapted.told if what == "training"] == [(k, STEPS) for k in range(1, STEPS + 1)]
    assert [(k, n) for what, k, n in adapted.told if what == "measuring"] == [(k, 7) for k in range(8)]


def test_it_learns_the_words_of_captions(adapted) -> None:
    told = json.loads((adapted.folder / "captions" / "config.json").read_text())
    assert told["vocabulary"] == ["a", "softly", "speaking", "woman"]


@pytest.mark.slow
def test_the_figures_are_those_of_what_is_on_disk(adapted, footage, tiny_model, cache) -> None:
    kept = held_out(footage, tiny_model, cache)
    assert [len(source.runs) for source in kept] == [1, 1]
    _, mixed = load_domain_talk(tiny_model, adapted.folder, "cpu")
    assert mixed.mix.strength == adapted.card.prior_strength
    for strength in (0.0, 0.5, 1.0):
        wanted = adapted.card.figures[f"strength {strength:g}"]
        assert sampling_error(mixed.with_mix(Mix(strength=strength)), kept) == pytest.approx(wanted, rel=0.01)


def test_nothing_held_out_is_trained_on() -> None:
    shown, kept = hold_out(
        [RunSource(fake_runs(30)), RunSource(fake_runs(4), caption="short"), RunSource(fake_runs(1))]
    )
    assert [source.runs.start.tolist() for source in shown] == [list(range(27)), [0, 1, 2], [0]]
    assert [source.runs.start.tolist() for source in kept] == [[27, 28, 29], [3]]
    assert [source.weight for source in shown] == [27, 3, 1]
    assert kept[1].caption == "short"


class Stopped(Exception):
    """Whoever watches pulls the plug."""


def cut_off_at(stage: str, count: int, told: list | None = None) -> Callable[[str, int, int], None]:
    def progress(what: str, done: int, total: int) -> None:
        if told is not None:
            told.append((what, done, total))
        if (what, done) == (stage, count):
            raise Stopped

    return progress


@pytest.fixture
def saved_often(monkeypatch) -> None:
    """States are written every second step, so that few steps are enough to go on from one."""
    monkeypatch.setattr(adaptation, "LoopConfig", lambda **given: LoopConfig(**{**given, "save_every": 2}))


@pytest.mark.slow
def test_cut_off_again_and_again_it_ends_at_the_same_weights(
    footage, tiny_model, cache, tmp_path, saved_often, monkeypatch
) -> None:
    """From the same runs: how faces are found and encoded differs in the last bits from one reading to the next."""
    read_from(cache, monkeypatch)
    output, model, told = tmp_path / "anna", str(tiny_model), []
    unbroken = adapt(footage, tmp_path / "whole", recipe(), model=model)
    with pytest.raises(Stopped):
        adapt(footage, output, recipe(), model=model, progress=cut_off_at("reading the footage", 2))
    with pytest.raises(Stopped):
        adapt(footage, output, recipe(), model=model, progress=cut_off_at("training", 5))
    with pytest.raises(Stopped):
        adapt(footage, output, recipe(), model=model, progress=cut_off_at("measuring", 0, told))
    assert [done for what, done, _ in told if what == "training"] == [5, 6]  # from the last state, not from the start
    assert not output.exists()
    told.clear()
    adapt(footage, output, recipe(), model=model, progress=lambda *news: told.append(news))
    assert not [news for news in told if news[0] == "training"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anna", "whole"]
    again, whole = weights(output), weights(tmp_path / "whole")
    assert again.keys() == whole.keys()
    for name, weight in whole.items():
        torch.testing.assert_close(again[name], weight, rtol=0, atol=0, msg=name)
    assert read_card(output).figures == unbroken.figures


@pytest.fixture(scope="module")
def low_rank(footage, tiny_model, cache, tmp_path_factory) -> Path:
    pytest.importorskip("peft")
    folder = tmp_path_factory.mktemp("low") / "anna"
    with pytest.MonkeyPatch.context() as patch:
        read_from(cache, patch)
        adapt(footage, folder, LOW, model=str(tiny_model))
    return folder


def test_low_rank_changes_of_the_large_one_come_back(low_rank, footage, tiny_model, cache) -> None:
    card = read_card(low_rank)
    assert (card.method, set(card.figures)) == ("lora", {"lora", "prior"})
    assert card.figures["lora"] != pytest.approx(card.figures["prior"], rel=0.01)
    kept = held_out(footage, tiny_model, cache)
    _, changed = load_domain_talk(tiny_model, low_rank, "cpu")
    assert sampling_error(changed, kept) == pytest.approx(card.figures["lora"], rel=0.01)
    _, plain = load_talk(tiny_model, "cpu")
    assert sampling_error(plain, kept) == pytest.approx(card.figures["prior"], rel=0.01)


def test_low_rank_cut_off_ends_at_the_same_weights(
    low_rank, footage, tiny_model, cache, tmp_path, saved_often, monkeypatch
) -> None:
    read_from(cache, monkeypatch)
    output, told = tmp_path / "anna", []
    with pytest.raises(Stopped):
        adapt(footage, output, LOW, model=str(tiny_model), progress=cut_off_at("training", 3))
    adapt(footage, output, LOW, model=str(tiny_model), progress=lambda *news: told.append(news))
    assert [done for what, done, _ in told if what == "training"] == [3, 4, 5, 6]
    whole, again = weights(low_rank), weights(output)
    assert whole.keys() == again.keys() and len(whole) > 10
    for name, weight in whole.items():
        torch.testing.assert_close(again[name], weight, rtol=0, atol=0, msg=name)


@pytest.fixture(scope="module")
def one_shot(footage, tiny_model, cache, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shot") / "anna"
    with pytest.MonkeyPatch.context() as patch:
        read_from(cache, patch)
        adapt(footage / "talk.mp4", folder, recipe(method="one-shot", learning_rate=0.05), model=str(tiny_model))
    return folder


def test_one_clip_tunes_queries_and_layers_along_time_alone(one_shot, tiny_model) -> None:
    card = read_card(one_shot)
    assert (card.method, card.clips, set(card.figures)) == ("one-shot", 1, {"one-shot", "prior"})
    learnt = weights(one_shot)
    queries = {name for name in learnt if name.startswith("video/taught")}
    assert queries and all(name.endswith(("attn1.to_q.weight", "attn2.to_q.weight")) for name in queries)
    _, plain = load_talk(tiny_model, "cpu")
    own = plain.unet.state_dict()
    moved = [(learnt[name].float() - own[name.split(" ")[1]].float()).abs().max() for name in queries]
    assert min(moved) > 1e-3
    assert any(weight.any() for name, weight in learnt.items() if "to_out" in name)  # they began at zero


def test_what_was_tuned_is_what_paints(one_shot, footage, tiny_model, cache) -> None:
    card = read_card(one_shot)
    _, tuned = load_domain_talk(tiny_model, one_shot, "cpu")
    _, plain = load_talk(tiny_model, "cpu")
    clips = read_footage(footage / "talk.mp4")
    runs = build_runs(clips, cache, plain.codec, load_encoder("log-mel"))
    kept = hold_out([RunSource(runs[clip.name]) for clip in clips])[1]
    assert sampling_error(tuned, kept) == pytest.approx(card.figures["one-shot"], rel=0.01)
    assert sampling_error(plain, kept) == pytest.approx(card.figures["prior"], rel=0.01)
    assert card.figures["one-shot"] != pytest.approx(card.figures["prior"], rel=0.01)


def test_one_shot_is_of_one_clip(footage, tiny_model, tmp_path) -> None:
    with pytest.raises(InputError, match="one-shot is of one clip, and .* holds 3; give one of them"):
        adapt(footage, tmp_path / "anna", recipe(method="one-shot"), model=str(tiny_model))
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_never_overwritten(footage, tiny_model, tmp_path) -> None:
    (tmp_path / "anna").mkdir()
    with pytest.raises(OutputError, match="anna is there already; choose another name"):
        adapt(footage, tmp_path / "anna", recipe(), model=str(tiny_model))
    (tmp_path / "mine.work").mkdir()
    (tmp_path / "mine.work" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="mine.work"):
        adapt(footage, tmp_path / "mine", recipe(), model=str(tiny_model))
    assert [path.name for path in (tmp_path / "mine.work").iterdir()] == ["letter.txt"]


def test_work_of_other_settings_or_footage_is_not_gone_on_with(footage, tiny_model, tmp_path) -> None:
    output, model = tmp_path / "anna", str(tiny_model)
    some = tmp_path / "some"
    some.mkdir()
    shutil.copy(footage / "talk.mp4", some)
    with pytest.raises(Stopped):
        adapt(footage, output, recipe(), model=model, progress=cut_off_at("reading the footage", 1))
    with pytest.raises(OutputError, match="begun with other footage or settings"):
        adapt(footage, output, recipe(steps=STEPS + 1), model=model)
    with pytest.raises(OutputError, match="begun with other footage or settings"):
        adapt(some, output, recipe(), model=model)
    with pytest.raises(OutputError, match="begun with other footage or settings"):
        adapt(footage, output, recipe(), model="base")
    assert (tmp_path / "anna.work" / "runs").is_dir()  # what was done is still there


def test_too_little_of_a_face_is_refused_with_how_much_is_needed(footage, tiny_model, tmp_path) -> None:
    some = tmp_path / "some"
    some.mkdir()
    for name in ("more/quiet.mp4", "coffee.mp4"):
        shutil.copy(footage / name, some)
    with pytest.raises(InputError, match="shows a face in 24 frames only; 96 are needed at least"):
        adapt(some, tmp_path / "anna", recipe(), model=str(tiny_model))
    assert not (tmp_path / "anna").exists()


def test_what_cannot_be_begun_is_named_and_leaves_nothing(footage, tiny_model, tmp_path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        adapt(tmp_path / "none", tmp_path / "anna", recipe(), model=str(tiny_model))
    with pytest.raises(WeightsError, match="there is no model nope"):
        adapt(footage, tmp_path / "anna", recipe(), model="nope")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        adapt(footage, tmp_path / "file" / "anna", recipe(), model=str(tiny_model))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(ConfigError, match="one of small, lora, one-shot, not 'large'"):
        recipe(method="large")
    with pytest.raises(ConfigError, match="rank and batch size are at least 1"):
        recipe(batch_size=0)
