"""Where a clip comes from: said in the file, signed, and woven into its frames."""

from facediff.provenance.manifest import Credentials, ManifestReport, ManifestState, read_manifest, sign
from facediff.provenance.record import Ingredient, Record, model_name, read_record, weights_hash
from facediff.provenance.verify import Verification, verify
from facediff.provenance.watermark import Detection, detect, embed

__all__ = [
    "Credentials",
    "Detection",
    "Ingredient",
    "ManifestReport",
    "ManifestState",
    "Record",
    "Verification",
    "detect",
    "embed",
    "model_name",
    "read_manifest",
    "read_record",
    "sign",
    "verify",
    "weights_hash",
]
