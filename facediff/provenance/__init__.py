"""Where a clip comes from: said in the file, signed, and woven into its frames."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from facediff.provenance.ingredients import Ingredient, model_name, weights_hash
from facediff.provenance.metadata import read_record
from facediff.provenance.record import Record, check_consent
from facediff.provenance.watermark import Detection, detect, embed

if TYPE_CHECKING:
    from facediff.provenance.manifest import sealer
    from facediff.provenance.manifest_report import ManifestReport, ManifestState, read_manifest
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

_PLACES = {
    "sealer": "manifest", "ManifestReport": "manifest_report", "ManifestState": "manifest_report",
    "read_manifest": "manifest_report", "Verification": "verification", "verify": "verification",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """What signs and reads signatures, on demand: its libraries are loaded when something is signed or verified."""
    if name in _PLACES:
        return getattr(import_module(f"facediff.provenance.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'facediff.provenance' has no attribute {name!r}")
