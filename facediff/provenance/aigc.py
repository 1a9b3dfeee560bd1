"""China's implicit label: metadata under the name ``AIGC`` after GB 45438-2025, annex E.

Where it lies follows TC260's practice guides: in a video among the container's keys, in a picture and beside it in XMP
as ``TC260:AIGC``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from facediff.errors import ConfigError
from facediff.provenance.record import Record

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
FIELDS = (
    "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
)  # fmt: skip
GENERATED = "1"  # the others: 2 for perhaps generated, 3 for suspected

_MAX_BYTES = 8_000  # of what strangers wrote


def aigc_json(asked: str, record: Record) -> str:
    """The label as JSON with all of the standard's fields, empty where nothing is known.

    Args:
        asked: Who produces the content, by name or by the code that the authority gave; or fields as JSON.
        record: Of the clip; the number of the content is a hash of it where none is given.

    Raises:
        ConfigError: As ``given_fields``.
    """
    given = given_fields(asked)
    number = hashlib.sha256(record.to_json().encode()).hexdigest()[:32]
    fields = {**dict.fromkeys(FIELDS, ""), "Label": GENERATED, "ProduceID": number, **given}
    return json.dumps({name: fields[name] for name in FIELDS}, ensure_ascii=False, separators=(",", ":"))


def given_fields(asked: str) -> dict[str, str]:
    """The fields that are asked for: those of JSON, else one.

    Raises:
        ConfigError: It is JSON and no object of such fields, all of them texts.
    """
    asked = asked.strip()
    given: object = {"ContentProducer": asked}
    if asked.startswith("{"):
        try:
            given = json.loads(asked)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"aigc is no JSON ({error}); give a name, or an object of {', '.join(FIELDS)}") from error
    if not isinstance(given, dict) or not all(k in FIELDS and isinstance(v, str) for k, v in given.items()):
        raise ConfigError(f"aigc is an object whose fields are texts, out of {', '.join(FIELDS)}, not {asked[:80]!r}")
    return given


def read_aigc(text: object) -> Mapping[str, str] | None:
    """The fields of a label that anybody may have written; None where it is none."""
    if not isinstance(text, str) or len(text) > _MAX_BYTES:
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or "Label" not in fields:
        return None
    return {name: str(fields[name]) for name in FIELDS if name in fields}
