"""The networks that are seen outside, as diffusers has them: classes that its pipelines save, load and offload.

Each has the layers of a ``Network`` of this room, and its files; importing this imports diffusers.
"""

from __future__ import annotations

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin

from facediff.models.codec import FaceCodecNetwork
from facediff.models.masked_motion import MaskedMotionDenoiserNetwork
from facediff.models.motion import MotionDenoiserNetwork
from facediff.models.mouth_refiner import MouthRefinerNetwork
from facediff.models.whisper import WhisperEncoderNetwork


class FaceCodec(ModelMixin, FaceCodecNetwork, ConfigMixin):
    """See ``facediff.models.codec.FaceCodecNetwork``."""

    __init__ = register_to_config(FaceCodecNetwork.__init__)


class MotionDenoiser(ModelMixin, MotionDenoiserNetwork, ConfigMixin):
    """See ``facediff.models.motion.MotionDenoiserNetwork``."""

    __init__ = register_to_config(MotionDenoiserNetwork.__init__)


class MaskedMotionDenoiser(ModelMixin, MaskedMotionDenoiserNetwork, ConfigMixin):
    """See ``facediff.models.masked_motion.MaskedMotionDenoiserNetwork``."""

    __init__ = register_to_config(MaskedMotionDenoiserNetwork.__init__)


class MouthRefiner(ModelMixin, MouthRefinerNetwork, ConfigMixin):
    """See ``facediff.models.mouth_refiner.MouthRefinerNetwork``."""

    __init__ = register_to_config(MouthRefinerNetwork.__init__)


class WhisperEncoder(ModelMixin, WhisperEncoderNetwork, ConfigMixin):
    """See ``facediff.models.whisper.WhisperEncoderNetwork``."""

    __init__ = register_to_config(WhisperEncoderNetwork.__init__)
