"""Which models make a clip: the avatar's own, or a domain's composed with a prior."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facediff.errors import ConfigError
from facediff.pipelines.difftalk import DiffTalkSampler
from facediff.pipelines.domains import domain_hash
from facediff.pipelines.fadm import FADMSampler
from facediff.pipelines.speech_motion import MotionSampler
from facediff.rendering import CHUNK
from facediff.rendering.frame import FIRST
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.inpainting.protocol import Inpainter
from facediff.rendering.inpainting.refined import RefinedInpainter
from facediff.rendering.warping import Warper, make_warper
from facediff.tasks import model_cache


@dataclass(frozen=True)
class ModelChoice:
    """Models as they were asked for; nothing is loaded before it is used. See ``Avatar.talk`` for what each is."""

    model: str
    device: str | None
    scheduler: str | None = None
    domain: str | Path | None = None
    prior: str | Path | None = None
    prior_strength: float | None = None
    text: str | None = None

    def load_talk(self) -> tuple[MotionSampler, DiffTalkSampler]:
        """What makes motion and what paints mouths, of a domain where one is given.

        Raises:
            ConfigError: There is a prior, a strength or a text, and nothing that takes it.
            WeightsError: There is no such domain model, or it was trained for another model.
        """
        if self.domain is None:
            if self._is_mixed:
                raise ConfigError("a prior, its strength and a text are for a domain model: give a domain too")
            return model_cache.load_talk(self.model, self.device, self.scheduler)
        motion, painting = model_cache.load_adapted_talk(
            self.model,
            str(self.domain),
            domain_hash(self.domain),
            None if self.prior is None else str(self.prior),
            self.device,
            self.scheduler,
        )
        from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
        from facediff.pipelines.video_adapter import Mix

        if not isinstance(painting, AdaptedTalkPipeline):
            if self._is_mixed:
                raise ConfigError(
                    "a domain model of low rank or of time is one with its base: it takes no prior and no text"
                )
            return motion, painting
        strength = painting.mix.strength if self.prior_strength is None else self.prior_strength
        return motion, painting.with_mix(Mix(strength=strength), self.text or "")

    def load_domain_painter(self) -> DiffTalkSampler | None:
        """What paints mouths as a domain does; None where no domain is spoken of.

        Raises:
            ConfigError, WeightsError: See ``load_talk``.
        """
        return self.load_talk()[1] if self.domain is not None or self._is_mixed else None

    def load_inpainter(self) -> Inpainter:
        """What makes what no picture shows: the model's own teeth and lids by the drawn rules, and mouths refined."""
        rules = DrawnInpainter(load_appearance_prior(self.model))
        return RefinedInpainter(rules, model_cache.load_mouth_refiner(self.model, self.device))

    def move_at(self, warper: Warper, fps: float | None) -> Warper:
        """What moves a source, or, where that is a video and another rate is asked for, the video at that rate."""
        source = warper.source.at(fps)
        return warper if source is warper.source else make_warper(source, self.load_inpainter())

    def load_refiner(self) -> FADMSampler:
        """What refines faces."""
        return model_cache.load_refiner(self.model, self.device, self.scheduler)

    @property
    def first_painted(self) -> int:
        """Frames that are painted before a whole chunk: a composed score's last bits change with their number."""
        return FIRST if self.domain is None and not self._is_mixed else CHUNK

    @property
    def _is_mixed(self) -> bool:
        """Whether anything is said about how a domain is composed."""
        return self.prior is not None or self.prior_strength is not None or self.text is not None
