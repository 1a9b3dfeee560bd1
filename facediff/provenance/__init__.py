"""Where a clip comes from: said in the file, signed, and woven into its frames."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from facediff.provenance.ingredients import Ingredient, model_name, weights_hash
from facediff.provenance.record import Record, check_consent, read_record
from facediff.provenance.watermark import Detection, detect, embed

if TYPE_CHECKING:
    from facediff.provenance.manifest import ManifestReport, ManifestState, read_manifest, sealer
    from facediff.provenance.verification import Verification, verify

__all__ = [
    "Detection",
    "Ingredient",
    "ManifestReport",
    "ManifestState",
    "Record",
    "Verification",
    "check_consent",
    "detect",
    "embed",
    "model_name",
    "read_manifest",
    "read_record",
    "sealer",
    "verify",
    "weights_hash",
]

_MANIFEST = ("ManifestReport", "ManifestState", "read_manifest", "sealer")
_VERIFICATION = ("Verification", "verify")


def __getattr__(name: str) -> Any:
    """What signs and reads signatures, on demand: its libraries are loaded when something is signed or verified."""
    if name in _MANIFEST:
        return getattr(import_module("facediff.provenance.manifest"), name)
    if name in _VERIFICATION:
        return getattr(import_module("facediff.provenance.verification"), name)
    raise AttributeError(f"module 'facediff.provenance' has no attribute {name!r}")
