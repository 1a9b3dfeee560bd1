"""Networks and noise levels out of folders: the one way in which all of facediff opens a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import torch
from safetensors import SafetensorError
from torch import nn

from facediff.errors import ConfigError, WeightsError
from facediff.models.network import Network, read_network
from facediff.system.weights import model_folder

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

N = TypeVar("N", bound=nn.Module)

# While diffusers opens a network, every parameter of the process is made without numbers (accelerate's
# init_empty_weights), and two threads at once would put back each other's way of making them: so for good.
_OPENING = RLock()


def own_or_base(model: Path) -> str:
    """The name of a model folder that paints mouths itself; ``base`` for one that does not yet."""
    return str(model) if (model / "difftalk").is_dir() else "base"


def open_network(kind: type[N], model: str | Path, part: str, dtype: torch.dtype = torch.float32) -> N:
    """A network of a model, ready to run.

    Args:
        kind: Its class, a ``Network`` or a ``ModelMixin`` of diffusers.
        model: ``base``, or a folder laid out like it.
        part: Its folder in the model, as in ``difftalk/unet``.
        dtype: Of its weights.

    Raises:
        WeightsError: It is missing or damaged, or its weights are another network's.
    """
    component, *inner = part.split("/")
    folder = model_folder(model, component).joinpath(*inner)
    with explain_damage(model):
        return load_network(kind, folder, dtype)


def open_schedule(model: str | Path, component: str) -> DDIMScheduler:
    """The noise levels that a component of a model was trained with; see ``open_network``."""
    from diffusers import DDIMScheduler

    folder = model_folder(model, component)
    with explain_damage(model):
        return DDIMScheduler.from_pretrained(folder / "scheduler")


def load_network(kind: type[N], folder: Path, dtype: torch.dtype = torch.float32) -> N:
    """The network in a folder, from safetensors alone (a pickle runs code), with every weight there.

    Raises:
        WeightsError: Its weights are another network's.
        OSError, ValueError, LookupError, RuntimeError, SafetensorError: It is damaged; see ``explain_damage``.
    """
    another = f"the weights in {folder} are not those of a {kind.__name__} of this version"
    advice = "train it anew (facediff train), or take the facediff that trained it"
    try:
        with _OPENING:
            network, wrong = _open(kind, folder, dtype)
    except (ValueError, RuntimeError) as error:
        # of diffusers, which advises to go on with random weights, and of torch
        if "expected shape" in str(error) or "size mismatch" in str(error):
            raise WeightsError(f"{another}, whose layers have other sizes; {advice}") from error
        raise
    if wrong:
        raise WeightsError(f"{another}: {len(wrong)} are missing or unknown, {wrong[0]} among them; {advice}")
    opened: N = network.eval()
    return opened


def _open(kind: type[N], folder: Path, dtype: torch.dtype) -> tuple[N, list[str]]:
    """The network in a folder, and the names of weights that are missing or unknown."""
    if hasattr(kind, "from_pretrained"):
        network, report = kind.from_pretrained(  # type: ignore[attr-defined]
            folder, torch_dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
        return network, [*report["missing_keys"], *report["unexpected_keys"]]
    assert issubclass(kind, Network)
    network, lacking, unknown = read_network(kind, folder, dtype)
    return network, [*lacking, *unknown]


@contextmanager
def explain_damage(model: str | Path) -> Iterator[None]:
    """What libraries raise at a damaged model becomes a sentence."""
    try:
        yield
    except (ConfigError, WeightsError):
        raise
    except (OSError, ValueError, LookupError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"the model {model} cannot be loaded: {str(error).splitlines()[0]}") from error
