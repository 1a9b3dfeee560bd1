"""The conditioners that are seen outside, as diffusers has them; see ``facediff.models.published``."""

from __future__ import annotations

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin

from facediff.conditioning.difftalk import DiffTalkConditionerNetwork
from facediff.conditioning.fadm import FADMConditionerNetwork


class DiffTalkConditioner(ModelMixin, DiffTalkConditionerNetwork, ConfigMixin):
    """See ``facediff.conditioning.difftalk.DiffTalkConditionerNetwork``."""

    __init__ = register_to_config(DiffTalkConditionerNetwork.__init__)


class FADMConditioner(ModelMixin, FADMConditionerNetwork, ConfigMixin):
    """See ``facediff.conditioning.fadm.FADMConditionerNetwork``."""

    __init__ = register_to_config(FADMConditionerNetwork.__init__)
