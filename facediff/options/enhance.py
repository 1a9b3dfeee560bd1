"""How a soft or small video becomes larger or sharper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from facediff.errors import ConfigError
from facediff.options.record import Opt
from facediff.options.tasks import SEED, ModelOptions, choose_track


@dataclass(frozen=True, kw_only=True)
class EnhanceOptions(ModelOptions):
    """How a soft or small video becomes larger or sharper."""

    upscale: Annotated[
        int,
        Opt("How many times as large, 1, 2 or 4. At 1 it is halved first: for what is soft since it had been enlarged.",
            1, 4, says="1, 2 or 4"),
    ] = 2  # fmt: skip
    noise: Annotated[
        float,
        Opt("How noisy it is: the standard deviation, where black is -1 and white 1; that much is taken out.", 0, 0.1),
    ] = 0.0  # fmt: skip
    augment: Annotated[
        float,
        Opt("Noise that is added, the same to all frames, and taken out with what compression left; and so is fine "
            "detail.", 0, 0.1),
    ] = 0.0  # fmt: skip
    seed: Annotated[int, SEED] = 0
    track: Annotated[int | None, choose_track("the video is kept")] = None

    def __post_init__(self) -> None:
        """Checks each field.

        Raises:
            ConfigError: One is of another type or out of range.
        """
        super().__post_init__()
        if self.upscale == 3:
            raise ConfigError("upscale is 1, 2 or 4, not 3")
