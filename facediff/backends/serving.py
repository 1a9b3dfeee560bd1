"""Networks that stay torch modules, but are run by a back end where nothing is learnt."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from facediff.errors import take_first_line

log = logging.getLogger(__name__)

MOST_OFF = 0.1  # of what torch gives, root mean square over root mean square, from which a back end is not believed


class Served:
    """What stands in a module's ``forward``: a back end, or torch where that cannot.

    Its first answer is compared with torch's. From the first failure on, torch does all, and one sentence says so.

    Args:
        module: The network.
        run: The back end's way: takes what ``forward`` does and gives a tensor; None where it has no such call.
        name: What it is called in that sentence.
        described: What runs it, in words.
    """

    def __init__(
        self, module: nn.Module, run: Callable[..., Tensor | None], *, name: str, described: Callable[[], str]
    ) -> None:
        self._own: Callable[..., Any] = module.forward
        self._run, self._name, self._described = run, name, described
        self._is_tried, self.has_failed = False, False

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """As the module's own ``forward``."""
        first = args[0] if args else None
        if self.has_failed or torch.is_grad_enabled() or not isinstance(first, Tensor) or first.device.type != "cpu":
            return self._own(*args, **settings)
        try:
            made = self._run(*args, **settings)
            if made is None:
                return self._own(*args, **settings)
            if not self._is_tried:
                self._compare(made, self._own(*args, **settings))
                self._is_tried = True
        except Exception as error:  # a back end is a convenience: whatever it is, torch goes on
            self.has_failed = True
            reason = take_first_line(error)
            log.warning(
                "%s cannot run the %s here (%s); torch does, more slowly", self._described(), self._name, reason
            )
            return self._own(*args, **settings)
        return (made,) if settings.get("return_dict") is False else made

    def __deepcopy__(self, memo: dict[int, Any]) -> Served:
        """Itself: whoever copies a network copies its weights; see ``copy_network``."""
        return self

    def _compare(self, made: Tensor, truth: Any) -> None:
        wanted = (truth if isinstance(truth, Tensor) else truth[0]).float()
        off = float((made.float() - wanted).square().mean().sqrt() / wanted.square().mean().sqrt().clamp(min=1e-6))
        if not off < MOST_OFF:  # nor where it is no number
            raise RuntimeError(f"it is off by {100 * off:.3g}%")


def serve(module: nn.Module, run: Callable[..., Tensor | None], *, name: str, described: Callable[[], str]) -> Served:
    """Has a back end run a network from now on; see ``Served``."""
    served = Served(module, run, name=name, described=described)
    module.forward = served  # type: ignore[method-assign]
    return served


def copy_network(module: nn.Module) -> nn.Module:
    """A copy of a network, as torch runs it."""
    copied = copy.deepcopy(module)
    copied.__dict__.pop("forward", None)
    return copied
