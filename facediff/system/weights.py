"""The models that travel in the package, by name."""

from __future__ import annotations

from pathlib import Path

from facediff.errors import WeightsError

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
EMBEDDED = "base"


def model_folder(name_or_path: str | Path, component: str) -> Path:
    """The folder of one component of a model.

    Args:
        name_or_path: ``base``, the embedded model, or a folder laid out like it.
        component: ``codec``, ``motion``, ``difftalk``, ``fadm``, ``edit``, ``mouth``, ``strokes``,
            ``super_resolution``, ``sync``, ``unseen``.

    Raises:
        WeightsError: There is no such model, or it lacks the component.
    """
    named = CHECKPOINTS / str(name_or_path)
    root = named if str(name_or_path).isidentifier() and named.is_dir() else Path(name_or_path)
    if not root.is_dir():
        known = ", ".join(sorted(p.name for p in CHECKPOINTS.iterdir() if (p / "codec").is_dir()))
        raise WeightsError(f"there is no model {name_or_path!s}; give a folder, or one of: {known}")
    folder = root / component
    if not any(folder.rglob("*.safetensors")):
        raise WeightsError(f"the model at {root} has no {component}: {folder} holds no .safetensors file")
    return folder


def find_model_with(name_or_path: str | Path, component: str) -> str | Path:
    """A model, or the embedded one in its place where it was trained without a component.

    Raises:
        WeightsError: There is no such model.
    """
    try:
        model_folder(name_or_path, component)
    except WeightsError:
        model_folder(name_or_path, "")  # a model that is not there is no model without a component
        return EMBEDDED
    return name_or_path
