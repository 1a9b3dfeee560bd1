"""From uploaded videos to a domain model. Knows no page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from facediff.avatar import Avatar
from facediff.datasets.footage import read_footage
from facediff.demo.archive import pack, safe_name
from facediff.demo.jobs import Report
from facediff.demo.limits import Limits
from facediff.errors import FaceDiffError
from facediff.pipelines.domains import DomainCard
from facediff.training.adaptation import AdaptRecipe, adapt

PREVIEW_S = 10
# What ``adapt`` calls its stages: what is counted, and what is said before the first.
STAGES = {
    "reading the footage": ("videos read", "Reading the videos"),
    "training": ("steps", "Learning"),
    "measuring": ("measured", "Measuring what was learnt"),
}


class Learnt(NamedTuple):
    """What comes of it.

    Attributes:
        archive: The domain model as a zip.
        preview: The first video with sound, dubbed with its own; None where there is none.
        card: What is known about it.
    """

    archive: Path
    preview: Path | None
    card: DomainCard


def learn(uploads: list[str], name: str, recipe: AdaptRecipe, limits: Limits, place: Path, report: Report) -> Learnt:
    """Learns a domain from videos.

    Args:
        uploads: Files that may be anything.
        name: Of the domain.
        recipe: How.
        limits: What an upload may be.
        place: An empty folder; the footage in it goes in any case, and all of it if there is no result.
        report: Told how far it is.

    Raises:
        InputError: A video cannot be used, or there is too little of a face in them.
    """
    footage, model = place / "Footage", place / "model" / safe_name(name)
    try:
        footage.mkdir()
        for number, path in enumerate(limits.check_footage(uploads)):
            shutil.copyfile(path, footage / f"{number:03d}{path.suffix.lower()}")
            report(number + 1, len(uploads), "videos checked")
        report(0, len(uploads), *STAGES["reading the footage"])
        card = adapt(
            footage, model, recipe, name=" ".join(name.split())[:60] or model.name,
            progress=lambda what, done, total: report(done, total, *STAGES.get(what, ("done", what.capitalize()))),
        )  # fmt: skip
        return Learnt(pack(model, place / f"{model.name}.zip"), _preview(footage, model, place, report), card)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(footage, ignore_errors=True)


def _preview(footage: Path, model: Path, place: Path, report: Report) -> Path | None:
    spoken = next((clip.path for clip in read_footage(footage) if clip.sound is not None), None)
    if spoken is None:
        return None
    report(0, 1, "frames", "Rendering a preview")
    try:
        clip = Avatar.from_video(spoken).talk(spoken, domain=model).opening(PREVIEW_S)
        return clip.save(place / "preview.mp4", progress=report)
    except FaceDiffError:  # a model without a preview is a model nevertheless
        return None
