"""One training loop for every network, on accelerate: seeded, resumable, averaged weights, any device.

Batches are drawn by a function of a random generator that is seeded by (seed, step, process), so a resumed run
sees what an unbroken one would have seen, and several processes see different data. Knows no model.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from facediff.errors import ConfigError

log = logging.getLogger(__name__)

Batch = dict[str, Tensor]
Draw = Callable[[np.random.Generator], Batch]
Loss = Callable[[nn.Module, Batch, torch.Generator], tuple[Tensor, dict[str, float]]]


class Companion(Protocol):
    """What learns beside the network that is trained, by itself; its state is kept with the run's."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        ...


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How to train.

    Attributes:
        output: Folder of the checkpoint and the log; a run found there is resumed.
        steps: Optimiser steps in all.
        minutes: Stop (and save) after so many minutes of this call; None for no limit.
        learning_rate: Peak of the cosine schedule. ``warmup`` steps lead up to it.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are clipped to it.
        ema_decay: Of the averaged weights, which are what is kept.
        mixed_precision: ``no``, ``bf16`` or ``fp16``.
        save_every: Steps between checkpoints; ``log_every`` between lines of the log.
        seed: Of everything.
        progress: Called after each step with how many are done and how many there are.
    """

    output: Path
    steps: int
    minutes: float | None = None
    learning_rate: float = 1e-3
    warmup: int = 50
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    ema_decay: float = 0.999
    mixed_precision: str = "bf16"
    save_every: int = 200
    log_every: int = 20
    seed: int = 0
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "save_every", "log_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")


def fit(
    model: nn.Module, draw: Draw, loss: Loss, config: LoopConfig, *, companions: Sequence[Companion] = ()
) -> nn.Module:
    """Trains ``model`` in place and returns it holding the averaged weights.

    Args:
        model: What to train.
        draw: Makes a batch from a generator.
        loss: ``loss(model, batch, generator)`` gives a scalar and figures for the log.
        config: How.
        companions: What the loss teaches beside the model.
    """
    accelerator = Accelerator(mixed_precision=config.mixed_precision, cpu=not torch.cuda.is_available())
    set_seed(config.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = get_scheduler("cosine", optimizer, num_warmup_steps=config.warmup, num_training_steps=config.steps)
    ema = EMAModel(model.parameters(), decay=config.ema_decay, use_ema_warmup=True, power=0.75)
    trained, optimizer = accelerator.prepare(model, optimizer)
    ema.to(accelerator.device)
    state = config.output / "state"
    done = _resume(accelerator, ema, schedule, state, companions)
    started = time.monotonic()
    for step, batch in _prefetch(draw, config, accelerator.process_index, done):
        generator = torch.Generator(accelerator.device).manual_seed(hash((config.seed, step)) % 2**31)
        batch = {key: value.to(accelerator.device) for key, value in batch.items()}
        with accelerator.autocast():
            value, figures = loss(trained, batch, generator)
        accelerator.backward(value)
        accelerator.clip_grad_norm_(trained.parameters(), config.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        ema.step(model.parameters())
        late = config.minutes is not None and time.monotonic() - started > 60 * config.minutes
        if accelerator.is_main_process:
            if config.progress is not None:
                config.progress(step, config.steps)
            if step % config.log_every == 0 or late:
                _report(config.output, step, time.monotonic() - started, {"loss": float(value.detach()), **figures})
            if step % config.save_every == 0 or late or step == config.steps:
                _save(accelerator, ema, schedule, state, step, companions)
        if late:
            break
    ema.copy_to(model.parameters())
    accelerator.free_memory()
    return model


def unwrap(model: nn.Module) -> Any:
    """The model itself, where a loss is handed what several processes wrapped around it."""
    return getattr(model, "module", model)


def _prefetch(draw: Draw, config: LoopConfig, process: int, done: int) -> Iterator[tuple[int, Batch]]:
    """Steps after ``done`` with their batches; the next batch is drawn while this one is trained on."""

    def make(step: int) -> Batch:
        return draw(np.random.default_rng([config.seed, step, process]))

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(make, done + 1)
        for step in range(done + 1, config.steps + 1):
            batch = coming.result()
            if step < config.steps:
                coming = pool.submit(make, step + 1)
            yield step, batch


def _report(output: Path, step: int, seconds: float, figures: dict[str, Any]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    row = {"step": step, "seconds": round(seconds, 1), **{k: round(float(v), 5) for k, v in figures.items()}}
    log.info("%s", row)
    with (output / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _save(
    accelerator: Accelerator, ema: EMAModel, schedule: Any, state: Path, step: int, companions: Sequence[Companion]
) -> None:
    """Writes beside the last state, then swaps: a run killed at any moment finds one of the two."""
    fresh, old = state.with_name("state.partial"), state.with_name("state.old")
    for leftover in (fresh, old) if state.exists() else (fresh,):
        shutil.rmtree(leftover, ignore_errors=True)
    accelerator.save_state(str(fresh))
    kept = {"ema": ema.state_dict(), "schedule": schedule.state_dict(), "step": step}
    torch.save({**kept, "companions": [one.state_dict() for one in companions]}, fresh / "loop.pt")
    if state.exists():
        state.rename(old)
    fresh.rename(state)
    shutil.rmtree(old, ignore_errors=True)


def _resume(
    accelerator: Accelerator, ema: EMAModel, schedule: Any, state: Path, companions: Sequence[Companion]
) -> int:
    if not state.exists() and state.with_name("state.old").exists():  # killed between the two renames
        state.with_name("state.old").rename(state)
    if not (state / "loop.pt").is_file():
        return 0
    accelerator.load_state(str(state))
    kept = torch.load(state / "loop.pt", map_location="cpu", weights_only=True)
    ema.load_state_dict(kept["ema"])
    ema.to(accelerator.device)
    schedule.load_state_dict(kept["schedule"])
    learnt = kept.get("companions", [])
    if len(learnt) != len(companions):
        raise ConfigError(f"the run in {state.parent} was trained in another way; give another folder, or delete it")
    for one, was in zip(companions, learnt, strict=True):
        one.load_state_dict(was)
    return int(kept["step"])
