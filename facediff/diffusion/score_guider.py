"""Score composition as a diffusers guider, for our pipelines and for modular ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.guiders import BaseGuidance
from diffusers.guiders.guider_utils import GuiderOutput
from diffusers.hooks import HookRegistry, ModelHook
from torch import Tensor

from facediff.diffusion.strength import Strength, piecewise_linear, strength_at
from facediff.errors import ConfigError

FORMS = ("product", "normalised")
_HOOK = "ScoreCompositionGuidance"


class ScoreCompositionGuidance(BaseGuidance):
    """Composes the denoiser of a pipeline with a prior; see ``facediff.diffusion.score_composition``.

    The pipeline's own denoiser is the small model. In the batches that are the prior's, the prior answers in its
    place, called with the same arguments, so nothing in the pipeline needs to know. Conditions are pairs (condition,
    negative) that both models are given, or fours (small's, small's negative, prior's, prior's negative); a negative
    that there is not is None. Pipelines of ours take it as their ``guider``.

    Args:
        guidance_scale: ω of the small model, at least 0.
        strength: γ of the prior: a number, or points (t/T, γ) of ``piecewise_linear``.
        form: ``normalised``, right for every kind of prediction, or ``product``, Video-Adapter's own, for predictions
            of the noise alone.
        num_train_timesteps: T.
        start: Share of the steps after which the prior is first asked.
        stop: Share of the steps after which it is no longer asked.
        enabled: False takes the small model's conditional prediction alone.

    Attributes:
        prior: Any callable with the denoiser's arguments and results. It is no part of the config: set it.

    Raises:
        ConfigError: There is no such form, or a number is out of range.
    """

    _input_predictions = ["pred_cond", "pred_uncond", "pred_prior", "pred_prior_uncond"]

    @register_to_config
    def __init__(
        self,
        guidance_scale: float = 2.5,
        strength: float | Sequence[Sequence[float]] = 0.1,
        form: str = "normalised",
        num_train_timesteps: int = 1000,
        start: float = 0.0,
        stop: float = 1.0,
        enabled: bool = True,
    ) -> None:
        super().__init__(start, stop, enabled)
        if form not in FORMS:
            raise ConfigError(f"scores are composed in one of the forms {', '.join(FORMS)}, not {form!r}")
        if guidance_scale < 0:
            raise ConfigError(f"guidance_scale must be at least 0, not {guidance_scale}")
        self.guidance_scale, self.form, self.num_train_timesteps = guidance_scale, form, num_train_timesteps
        self.strength: Strength = (
            float(strength)
            if isinstance(strength, (int, float))
            else piecewise_linear([(level, value) for level, value in strength])
        )
        self.prior: Callable[..., Any] | None = None
        self._has_null = self._prior_has_null = True

    def prepare_inputs(self, data: dict[str, Any]) -> list[Any]:
        """A batch for each prediction that this step needs, the small model's first."""
        self._look_for_nulls(data)
        return [self._prepare_batch(_parts(data, name), _negative(name), name) for name in self._needed()]

    def prepare_inputs_from_block_state(self, data: Any, input_fields: dict[str, Any]) -> list[Any]:
        """The same, with the names of fields of a block state instead of tensors."""
        self._look_for_nulls(input_fields)
        return [
            self._prepare_batch_from_block_state(_parts(input_fields, name), data, _negative(name), name)
            for name in self._needed()
        ]

    def prepare_models(self, denoiser: torch.nn.Module) -> None:
        super().prepare_models(denoiser)
        registry = HookRegistry.check_if_exists_or_initialize(denoiser)
        registry.remove_hook(_HOOK, recurse=False)  # left where a call failed
        if "prior" not in self._current():
            return
        if self.prior is None:
            raise ConfigError("ScoreCompositionGuidance has a strength above 0 but no prior; set its attribute prior")
        registry.register_hook(_AskInstead(self.prior), name=_HOOK)

    def cleanup_models(self, denoiser: torch.nn.Module) -> None:
        if "prior" in self._current():
            HookRegistry.check_if_exists_or_initialize(denoiser).remove_hook(_HOOK, recurse=False)

    def forward(
        self,
        pred_cond: Tensor,
        pred_uncond: Tensor | None = None,
        pred_prior: Tensor | None = None,
        pred_prior_uncond: Tensor | None = None,
    ) -> GuiderOutput:
        weight, pred = self._weight(), pred_cond
        if pred_prior is not None and self.form == "product":
            pred = pred + weight * pred_prior
        if pred_uncond is not None and self._is_guided():
            pred = pred_uncond + self.guidance_scale * (pred - pred_uncond)
        if pred_prior is not None and self.form == "normalised":
            own = pred_cond if pred_uncond is None else pred_uncond
            pred = pred + weight * (pred_prior - (own if pred_prior_uncond is None else pred_prior_uncond))
        return GuiderOutput(pred=pred, pred_cond=pred_cond, pred_uncond=pred_uncond)

    @property
    def is_conditional(self) -> bool:
        return not self._current().endswith("uncond")

    @property
    def num_conditions(self) -> int:
        return len(self._needed())

    def _needed(self) -> list[str]:
        """Names of the predictions of this step, in the order in which they are asked for."""
        asks_prior = self._weight() > 0
        compares = asks_prior and self.form == "normalised"
        names = ["pred_cond"]
        if self._is_guided() or (compares and self._has_null and not self._prior_has_null):
            names.append("pred_uncond")
        if asks_prior:
            names.append("pred_prior")
        if compares and self._prior_has_null:
            names.append("pred_prior_uncond")
        return names

    def _is_guided(self) -> bool:
        return self._enabled and self.guidance_scale != 1.0

    def _look_for_nulls(self, fields: dict[str, Any]) -> None:
        self._has_null, self._prior_has_null = (_has_negative(fields, name) for name in ("pred_cond", "pred_prior"))
        if self._is_guided() and not self._has_null:
            raise ConfigError(
                f"a guidance_scale of {self.guidance_scale:g} needs a negative condition; give one, or guidance_scale 1"
            )

    def _current(self) -> str:
        """The prediction that is being asked for; none before the first."""
        return self._needed()[self._count_prepared - 1] if self._count_prepared else ""

    def _weight(self) -> float:
        """γ at this step."""
        if not self._enabled:
            return 0.0
        if self._num_inference_steps is not None:
            first, end = (int(share * self._num_inference_steps) for share in (self._start, self._stop))
            if not first <= self._step < end:
                return 0.0
        level = 1.0 if self._timestep is None else float(self._timestep) / self.num_train_timesteps
        return strength_at(self.strength, level)


class _AskInstead(ModelHook):
    """Another model's answer in place of a module's."""

    def __init__(self, other: Callable[..., Any]) -> None:
        super().__init__()
        self.other = other

    def new_forward(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        return self.other(*args, **kwargs)


def _parts(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """Of pairs and fours, the two that are the prior's or the small model's."""
    part = slice(-2, None) if "prior" in name else slice(0, 2)
    return {key: value[part] if isinstance(value, tuple) else value for key, value in fields.items()}


def _has_negative(fields: dict[str, Any], name: str) -> bool:
    pairs = [value for value in _parts(fields, name).values() if isinstance(value, tuple)]
    return all(len(pair) > 1 and pair[1] is not None for pair in pairs)


def _negative(name: str) -> int:
    return 1 if name.endswith("uncond") else 0
