"""XMP says where a file comes from, is read by who never heard of facediff, and breaks no signature."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from facediff.media import VideoReader
from facediff.provenance import ManifestState, verify
from facediff.provenance.record import SYNTHETIC_PARTS
from facediff.provenance.xmp import UUID, Xmp, append_xmp, read_xmp, xmp_packet
from tests.signed import PICTURE, clip_of, record_of

RECORD = replace(record_of(), consent='</rdf:RDF> & "<so>" on ]]> 張')
TERM = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def box(content: bytes, wanted: bytes, begin: bytes = b"") -> bytes:
    """By ISO 14496-12 alone: what the one box of a kind holds, behind its beginning."""
    found, place = [], 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        if kind == wanted and content.startswith(begin, place + 8):
            found.append(content[place + 8 + len(begin) : place + size])
        place += size
    (only,) = found
    return only


def packet_in_boxes(path: Path) -> bytes:
    """Where part 3 of the specification wants it."""
    content = path.read_bytes()
    if path.suffix == ".mov":
        return box(box(box(content, b"moov"), b"udta"), b"XMP_")
    return box(content, b"uuid", UUID)


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov"])
def test_a_video_has_a_box_of_it_which_is_signed_too(tmp_path, suffix):
    path = clip_of(RECORD).save(tmp_path / f"a{suffix}")
    tree = ElementTree.fromstring(packet_in_boxes(path).decode().partition("?>")[2].rpartition("<?xpacket")[0])
    assert [element.text for element in tree.iter(TERM)] == [SYNTHETIC_PARTS]
    found = verify(path)
    assert found.xmp_source_type == SYNTHETIC_PARTS and found.manifest.state is ManifestState.valid
    assert len(list(VideoReader(path))) == 6
    path.write_bytes(path.read_bytes().replace(b"DigitalSourceType>http", b"DigitalSourceType>hxxp"))
    assert verify(path).manifest.state is ManifestState.tampered


def test_a_mov_that_has_keys_of_its_own_keeps_the_packet_behind_all_else(tmp_path):
    path = clip_of(RECORD).save(tmp_path / "a.mov", aigc="somebody")
    assert b"DigitalSourceType" in box(path.read_bytes(), b"uuid", UUID)
    found = verify(path)
    assert found.xmp_source_type == SYNTHETIC_PARTS and found.manifest.state is ManifestState.valid


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp"])
def test_a_picture_has_it_where_pillow_finds_it_and_the_record_in_it(tmp_path, suffix):
    path = clip_of(RECORD).save_frame(tmp_path / f"a{suffix}")
    with Image.open(path) as picture:
        packet = picture.info.get("xmp") or picture.info["XML:com.adobe.xmp"]
    text = packet if isinstance(packet, str) else packet.decode()
    tree = ElementTree.fromstring(text.partition("?>")[2].rpartition("<?xpacket")[0])
    assert [element.text for element in tree.iter(TERM)] == [SYNTHETIC_PARTS]
    found = verify(path)
    assert found.record == RECORD and found.manifest.state is ManifestState.valid and found.watermark.is_found
    assert found.xmp_source_type == found.manifest.digital_source_type == SYNTHETIC_PARTS


def test_xmp_alone_says_where_a_file_of_somebody_else_comes_from(tmp_path):
    attribute = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SYNTHETIC_PARTS}"/></rdf:RDF></x:xmpmeta>'
    )
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg", xmp=attribute.encode())
    found = verify(tmp_path / "a.jpg")
    assert found.is_marked and found.digital_source_type == SYNTHETIC_PARTS
    assert not found.watermark.is_found and found.manifest.state is ManifestState.absent and found.record is None


@pytest.mark.parametrize(
    "packet",
    [
        b"", b"<", b"<x:xmpmeta>", b"<x:xmpmeta></x:xmpmeta>", b"\xff\xfe\0", b"<x:xmpmeta xmlns:x='a'>&b;</x:xmpmeta>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + xmp_packet(RECORD), xmp_packet(RECORD)[:-80], b" " * (1 << 21),
    ],
)  # fmt: skip
def test_packets_that_are_none_say_nothing_and_hide_nothing(tmp_path, packet):
    path = clip_of(None).save(tmp_path / "a.mp4")
    append_xmp(path, packet)
    assert read_xmp(path) == Xmp() and verify(path).watermark.is_found


def test_boxes_that_lie_about_their_length_end_the_search(tmp_path):
    path = tmp_path / "a.mp4"
    for head in (
        struct.pack(">I4s", 4, b"free"),
        struct.pack(">I4s", 1 << 30, b"uuid"),
        struct.pack(">I4sQ", 1, b"a", 0),
    ):
        path.write_bytes(head + bytes(64))
        assert read_xmp(path) == Xmp()
