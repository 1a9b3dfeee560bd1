"""Actors who speak with an emotion, in a studio: MEAD, CREMA-D, RAVDESS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facediff.datasets.published.files import need, read_table, walk
from facediff.datasets.published.record import Segment, Tally

CREMAD_EMOTIONS = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
CREMAD_SENTENCES = {
    "IEO": "It's eleven o'clock", "TIE": "That is exactly what happened", "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about", "TAI": "The airplane is almost full", "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock", "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket", "ITS": "I think I've seen this before", "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}  # fmt: skip
RAVDESS_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_RAVDESS_CODES = {"modality": "0[12]", "channel": "0[12]", "emotion": "0[1-8]", "level": "0[12]", "said": "0[12]",
                  "take": "0[12]", "id": r"\d\d"}  # fmt: skip
RAVDESS_SENTENCES = ("Kids are talking by the door", "Dogs are sitting by the door")


def read_mead(root: Path, tally: Tally) -> Iterator[Segment]:
    """MEAD: ``{actor}/video/{view}/{emotion}/level_{n}/{clip}.mp4``, sound in ``{actor}/audio/{emotion}/...``."""
    need(root, "*/video", "*/*/video")
    name = r"(?:.*/)?(?P<id>[MW]\d{3})/video/(?P<view>\w+)/(?P<emotion>\w+)/level_(?P<level>\d)/(?P<n>\d+)\.mp4"
    for path, said in walk(root, "**/video/*/*/*/*.mp4", tally, name):
        actor = path.parents[4]
        apart = actor / "audio" / said["emotion"] / f"level_{said['level']}" / f"{said['n']}.m4a"
        yield Segment(
            dataset="mead", name="/".join(said.values()), path=path, sound=apart if apart.is_file() else path,
            identity=said["id"], labels={key: said[key] for key in ("view", "emotion", "level")}, fps=30.0,
        )  # fmt: skip


def read_cremad(root: Path, tally: Tally) -> Iterator[Segment]:
    """CREMA-D: ``VideoFlash/{actor}_{sentence}_{emotion}_{level}.flv``, sound in ``AudioWAV``, actors in a table."""
    need(root, "VideoFlash")
    table = root / "VideoDemographics.csv"
    actors = {row["ActorID"]: row for row in read_table(table, ("ActorID", "Age", "Sex"))} if table.is_file() else {}
    name = r"VideoFlash/(?P<id>\d{4})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<level>LO|MD|HI|XX|X)\.\w+"
    for path, said in walk(root, "VideoFlash/*.*", tally, name):
        apart = root / "AudioWAV" / f"{path.stem}.wav"
        known = actors.get(said["id"], {})
        yield Segment(
            dataset="cremad", name=path.stem, path=path, sound=apart if apart.is_file() else path, identity=said["id"],
            text=tuple(filter(None, (CREMAD_SENTENCES.get(said["sentence"]),))),
            labels={
                "emotion": CREMAD_EMOTIONS.get(said["emotion"], said["emotion"]), "level": said["level"],
                **{key.lower(): known[key] for key in ("Age", "Sex") if key in known},
            },
        )  # fmt: skip


def read_ravdess(root: Path, tally: Tally) -> Iterator[Segment]:
    """RAVDESS: ``.../Actor_{n}/{seven numbers}.mp4``; those that begin with 02 are silent."""
    need(root, "Actor_*", "*/Actor_*")
    codes = "-".join(f"(?P<{key}>{code})" for key, code in _RAVDESS_CODES.items())
    name = rf"(?:.*/)?Actor_\d\d/{codes}\.mp4"
    for path, said in walk(root, "**/Actor_*/*.mp4", tally, name):
        has_sound = said["modality"] == "01"
        yield Segment(
            dataset="ravdess", name=path.stem, path=path, sound=path if has_sound else None, identity=said["id"],
            text=(RAVDESS_SENTENCES[int(said["said"]) - 1],), fps=30000 / 1001,
            labels={
                "emotion": RAVDESS_EMOTIONS[int(said["emotion"]) - 1],
                "level": ("normal", "strong")[int(said["level"]) - 1],
                "channel": ("speech", "song")[int(said["channel"]) - 1],
                "sex": "male" if int(said["id"]) % 2 else "female",
            },
        )  # fmt: skip
