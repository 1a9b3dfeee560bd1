"""XMP in pictures and videos: IPTC's digital source type, which programs read that know nothing of C2PA.

XMP Specification, parts 1 and 3; IPTC Photo Metadata Standard 2025.1. A mov has it among its user data, where FFmpeg
writes it; an mp4 in a box of its own behind all others, a picture where Pillow puts it. Pictures keep the record there
too, since they have no other place for it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from facediff.media.pictures import open_picture, picture_size
from facediff.provenance import aigc
from facediff.provenance.record import Record

UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # of the box in mp4 and mov (part 3, section 1.1.3)

_IPTC, _XMP = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "http://ns.adobe.com/xap/1.0/"
_OWN = "urn:facediff:1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {"Iptc4xmpExt": _IPTC, "xmp": _XMP, "TC260": aigc.NAMESPACE, "facediff": _OWN}
_MAX_BYTES = 1 << 20  # of a packet that strangers wrote
_PNG_TEXT = "XML:com.adobe.xmp"


@dataclass(frozen=True)
class Xmp:
    """What the XMP of a file says.

    Attributes:
        digital_source_type: IPTC's term for where the content comes from.
        aigc: China's label, as JSON.
        record: How a picture was made, as JSON.
    """

    digital_source_type: str | None = None
    aigc: str | None = None
    record: str | None = None


def xmp_packet(record: Record, *, aigc_label: str | None = None, with_record: bool = False) -> bytes:
    """A packet that says what a file is.

    Args:
        record: How it was made.
        aigc_label: China's label, as JSON.
        with_record: Whether the record goes into it.
    """
    version = record.versions.get("facediff", "of unknown version")
    said = {
        "xmp:CreatorTool": f"facediff {version}",
        "Iptc4xmpExt:DigitalSourceType": record.digital_source_type,
        "Iptc4xmpExt:AISystemUsed": "facediff",
        "Iptc4xmpExt:AISystemVersionUsed": version,
        "TC260:AIGC": aigc_label,
        "facediff:Record": record.to_json() if with_record else None,
    }
    properties = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in said.items() if text is not None)
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in _PREFIXES.items() if f"<{prefix}:" in properties)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about="" {spaces}>'
        f'{properties}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def append_xmp(path: Path, packet: bytes) -> None:
    """Puts a packet behind the other boxes of an mp4 or m4v, where it moves nothing; a mov may have it there too."""
    with path.open("ab") as file:
        file.write(struct.pack(">I4s16s", 24 + len(packet), b"uuid", UUID) + packet)


def read_xmp(path: Path) -> Xmp:
    """What the XMP of a picture or of an mp4, m4v or mov says; nothing where there is none or it is damaged."""
    try:
        packet = _of_picture(path) if picture_size(path) is not None else _of_boxes(path)
        return Xmp() if packet is None else _parsed(packet)
    except Exception:  # of strangers' files anything, by Pillow or the parser; they say nothing then
        return Xmp()


def _of_picture(path: Path) -> bytes | None:
    with open_picture(path) as picture:
        packet = picture.info.get("xmp") or picture.info.get(_PNG_TEXT)
    return packet.encode() if isinstance(packet, str) else packet


def _of_boxes(path: Path) -> bytes | None:
    with path.open("rb") as file:
        end = file.seek(0, 2)
        for kind, place, size in _boxes(file, 0, end):
            if kind == b"moov" and (packet := _of_user_data(file, place, size)) is not None:
                return packet
            file.seek(place)
            if kind == b"uuid" and 16 < size <= _MAX_BYTES and file.read(16) == UUID:
                return file.read(size - 16)
    return None


def _of_user_data(file: BinaryIO, place: int, size: int) -> bytes | None:
    """Of the user data in the index of a mov."""
    for kind, inside, length in _boxes(file, place, place + size):
        if kind == b"udta":
            for name, packet, count in _boxes(file, inside, inside + length):
                if name == b"XMP_" and count <= _MAX_BYTES:
                    file.seek(packet)
                    return file.read(count)
    return None


def _boxes(file: BinaryIO, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and length of the content of each box in a part of a file."""
    while place + 8 <= end:
        file.seek(place)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        if size == 0:
            size = end - place
        if size < head or place + size > end:
            return
        yield kind, place + head, size - head
        place += size


def _parsed(packet: bytes) -> Xmp:
    """Of a packet; properties may be elements or attributes. Packets with a document type are none."""
    if len(packet) > _MAX_BYTES or re.search(rb"<!(DOCTYPE|ENTITY)", packet, re.IGNORECASE):
        return Xmp()
    found: dict[str, str] = {}
    start, stop = packet.find(b"<x:xmpmeta"), packet.find(b"</x:xmpmeta>")
    for element in ElementTree.fromstring(packet[start : stop + 12]).iter() if 0 <= start < stop else ():
        for name, text in ((element.tag, element.text), *element.attrib.items()):
            if text and text.strip():
                found.setdefault(name, text.strip())
    return Xmp(
        found.get(f"{{{_IPTC}}}DigitalSourceType"),
        found.get(f"{{{aigc.NAMESPACE}}}AIGC"),
        found.get(f"{{{_OWN}}}Record"),
    )
