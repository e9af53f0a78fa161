"""XMP packets whose promises no longer hold, in JPEGs corrected and in pictures developed from raws."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import awbkit
from awbkit.files import jpeg_metadata, xmp
from tests.helpers.raw_files import write_dng

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PREFIXES = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
}
TITLE = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hafen, früh &amp; kühl</rdf:li></rdf:Alt></dc:title>'
DIRECTORY = """<Container:Directory><rdf:Seq>
  <rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>
  <rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Length="4711"/></rdf:li>
</rdf:Seq></Container:Directory>"""


def packet(attributes: str = "", elements: str = "", wrapped: bool = True) -> bytes:
    used = attributes + elements
    declared = " ".join(f'xmlns:{name}="{uri}"' for name, uri in PREFIXES.items() if f"{name}:" in used)
    body = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" {declared} {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    if wrapped:
        body = f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}{" " * 500}<?xpacket end="w"?>'
    return body.encode()


def packet_of_quotes(marks: int) -> bytes:
    """A packet that grows when it is written again, where a quotation mark becomes a reference of six characters."""
    return packet("hdrgm:Version='1' xmp:Label='" + '"' * marks + "'")


def properties(data: bytes) -> set[str]:
    """Names of the properties with their usual prefixes, as another parser reads them."""
    short = {uri: name for name, uri in PREFIXES.items()}
    found = set()
    for description in ElementTree.fromstring(data.strip()).iter(f"{{{RDF}}}Description"):
        for name in [*description.attrib, *(child.tag for child in description)]:
            uri, local = name[1:].split("}")
            if uri != RDF:
                found.add(f"{short[uri]}:{local}")
    return found


ANNOUNCEMENTS = {
    "gain map as attribute": ('hdrgm:Version="1.0"', ""),
    "gain map as elements": ("", "<hdrgm:Version>1.0</hdrgm:Version>\n <hdrgm:GainMapMax>2</hdrgm:GainMapMax>"),
    "container": ('hdrgm:Version="1.0"', DIRECTORY),
    "motion photo": ('GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"', DIRECTORY),
    "motion photo as element": ("", "<GCamera:MotionPhotoPresentationTimestampUs>9</GCamera:"
                                    "MotionPhotoPresentationTimestampUs>"),
    "micro video": ('GCamera:MicroVideo="1" GCamera:MicroVideoOffset="2047"', ""),
}  # fmt: skip


class TestWithoutTrailingImages:
    @pytest.mark.parametrize("name", ANNOUNCEMENTS)
    @pytest.mark.parametrize("wrapped", [True, False])
    def test_announcements_go_and_all_else_stays(self, name: str, wrapped: bool) -> None:
        attributes, elements = ANNOUNCEMENTS[name]
        before = packet(f'xmp:Rating="4" {attributes} GCamera:BurstID="b&#10;7"', f"{TITLE} {elements}", wrapped)
        after = xmp.without_other_pictures(before)
        assert properties(after) == {"xmp:Rating", "dc:title", "GCamera:BurstID"}
        assert TITLE.encode() in after
        assert b'GCamera:BurstID="b&#10;7"' in after
        assert (b'<?xpacket begin="\xef\xbb\xbf"' in after) == wrapped
        for prefix in ("hdrgm", "Container", "Item"):
            assert PREFIXES[prefix].encode() not in after
        assert xmp.without_other_pictures(after) == after

    def test_a_namespace_that_nothing_uses_any_more_goes(self) -> None:
        after = xmp.without_other_pictures(packet('xmp:Rating="4" GCamera:MotionPhoto="1"'))
        assert PREFIXES["GCamera"].encode() not in after

    def test_other_prefixes_mean_the_same(self) -> None:
        before = packet('xmp:Rating="4" hdrgm:Version="1.0"').replace(b"hdrgm:", b"h:").replace(b":hdrgm", b":h")
        assert properties(xmp.without_other_pictures(before)) == {"xmp:Rating"}

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(packet('xmp:Rating="4"', TITLE), id="ordinary"),
            pytest.param(packet('GCamera:BurstID="7"'), id="other camera property"),
            pytest.param(packet('xmp:Label="hdrgm:Version"'), id="only declared"),
            pytest.param(packet('hdrgm:Version="1.0"')[:-40].replace(b"</rdf:RDF>", b""), id="malformed"),
            pytest.param(b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + packet('hdrgm:Version="1"', wrapped=False), id="doctype"),
            pytest.param(packet('hdrgm:Version="1"', "<dc:a>" * 200 + "</dc:a>" * 200), id="deep"),
            pytest.param(packet('hdrgm:Version="1"').replace(b"xmlns:hdrgm", b"xmlns:other"), id="unbound prefix"),
            pytest.param(PREFIXES["hdrgm"].encode(), id="no XML"),
            pytest.param(b"", id="empty"),
        ],
    )
    def test_these_stay_byte_for_byte(self, data: bytes) -> None:
        assert xmp.without_other_pictures(data) == data

    def test_what_would_not_fit_stays(self) -> None:
        before = packet_of_quotes(900)
        after = xmp.without_other_pictures(before)
        assert len(after) > len(before)
        assert xmp.without_other_pictures(before, len(before)) == before
        assert xmp.without_other_pictures(before, len(after)) == after

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=12), st.integers(0, 900), st.integers(0, 12))
    def test_garbage_inside_never_raises(self, noise: bytes, at: int, length: int) -> None:
        sound = packet('hdrgm:Version="1.0"', DIRECTORY, wrapped=False)
        broken = sound[:at] + noise + sound[at + length :]
        xmp.without_other_pictures(broken)


def jpeg_with(*payloads: bytes, trailing: bytes = b"") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 120, 60)).save(stream, "JPEG")
    plain = stream.getvalue()
    parts = [b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload for payload in payloads]
    return plain[:2] + b"".join(parts) + plain[2:] + trailing


class TestGraft:
    def test_a_jpeg_without_its_gain_map_promises_none(self) -> None:
        source = jpeg_with(xmp.JPEG_HEADER + packet('xmp:Rating="5" hdrgm:Version="1.0"', DIRECTORY), trailing=b"map")
        with Image.open(io.BytesIO(jpeg_metadata.graft(jpeg_with(), source))) as image:
            assert properties(image.info["xmp"]) == {"xmp:Rating"}

    def test_other_packets_and_extended_ones_stay_byte_for_byte(self) -> None:
        extended = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + packet('hdrgm:Version="1.0"')
        for payload in (xmp.JPEG_HEADER + packet('xmp:Rating="5"', TITLE), xmp.JPEG_HEADER + b"<x", extended):
            assert payload in jpeg_metadata.graft(jpeg_with(), jpeg_with(payload))

    def test_a_packet_that_would_outgrow_its_segment_stays(self) -> None:
        payload = xmp.JPEG_HEADER + packet_of_quotes(60_000)
        assert payload in jpeg_metadata.graft(jpeg_with(), jpeg_with(payload))


def dng_with(path: Path, data: bytes, kind: int = 1, size: int = 16) -> Path:
    return write_dng(path, np.full((size, size), 900, np.uint16), extra=[(700, kind, len(data), data, True)])


DESCRIPTIVE = 'xmp:Rating="3" tiff:Model="One" exif:FNumber="28/10" xmpMM:DocumentID="7"'
STALE = (
    'crs:Temperature="5200" tiff:Orientation="6" tiff:ImageWidth="16" exif:PixelXDimension="16" '
    'exif:PixelYDimension="16" dc:format="image/dng" GCamera:MicroVideo="1"'
)
CURVE = "<crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq></crs:ToneCurve>"


class TestFromRaw:
    @pytest.mark.parametrize("kind", [1, 7])
    @pytest.mark.parametrize("padding", [b"", b"\0"])
    def test_descriptions_stay_and_settings_go(self, tmp_path: Path, kind: int, padding: bytes) -> None:
        raw = dng_with(tmp_path / "a.dng", packet(f"{DESCRIPTIVE} {STALE}", TITLE + CURVE) + padding, kind)
        made = xmp.from_raw_xmp(raw)
        assert made is not None
        assert properties(made) == {
            "xmp:Rating", "tiff:Model", "exif:FNumber", "xmpMM:DocumentID", "dc:title",
        }  # fmt: skip
        assert TITLE.encode() in made
        assert PREFIXES["crs"].encode() not in made

    def test_without_anything_stale_it_is_the_packet_itself(self, tmp_path: Path) -> None:
        data = packet(DESCRIPTIVE, TITLE)
        assert xmp.from_raw_xmp(dng_with(tmp_path / "a.dng", data)) == data

    def test_big_endian(self, tmp_path: Path) -> None:
        data = packet(DESCRIPTIVE)
        tags = [(700, 1, len(data), data, True)]
        tifffile.imwrite(tmp_path / "a.nef", np.zeros((8, 8), np.uint16), byteorder=">", extratags=tags)
        assert xmp.from_raw_xmp(tmp_path / "a.nef") == data

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(packet(STALE, CURVE), id="nothing remains"),
            pytest.param(packet(DESCRIPTIVE, wrapped=False)[:-20], id="cut short"),
            pytest.param(b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + packet(DESCRIPTIVE, wrapped=False), id="doctype"),
            pytest.param(b"<a/>", id="no description"),
            pytest.param(b"\0" * 64, id="zeros"),
        ],
    )
    def test_unsound_packets_are_none(self, tmp_path: Path, data: bytes) -> None:
        assert xmp.from_raw_xmp(dng_with(tmp_path / "a.dng", data)) is None

    @pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\xff\0\0\0", b"FUJIFILMCCD-RAW " + bytes(100)])
    def test_files_without_a_packet_are_none(self, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "a.raf").write_bytes(data)
        assert xmp.from_raw_xmp(tmp_path / "a.raf") is None

    def test_a_raw_without_xmp_is_none(self, tmp_path: Path) -> None:
        assert xmp.from_raw_xmp(write_dng(tmp_path / "a.dng", np.full((16, 16), 900, np.uint16))) is None

    def test_a_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="absent"):
            xmp.from_raw_xmp(tmp_path / "absent.dng")

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=12), st.integers(0, 2500), st.integers(0, 12))
    def test_garbage_inside_never_raises(
        self, tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, length: int
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "garbage.dng"
        sound = dng_with(path, packet(f"{DESCRIPTIVE} {STALE}", TITLE + CURVE)).read_bytes()
        path.write_bytes(sound[:at] + noise + sound[at + length :])
        xmp.from_raw_xmp(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_a_developed_picture_keeps_the_rating_of_its_raw(tmp_path: Path, suffix: str) -> None:
    source, output = dng_with(tmp_path / "rated.dng", packet(DESCRIPTIVE), size=64), tmp_path / f"out{suffix}"
    awbkit.correct(source, output, illuminant=(1, 1, 1))
    developed = bytes(pyvips.Image.new_from_file(str(output)).get("xmp-data"))
    assert b'xmp:Rating="3"' in developed


def test_a_gain_map_is_not_announced_in_another_format(tmp_path: Path) -> None:
    source, output = tmp_path / "ultra.jpg", tmp_path / "ultra.png"
    plain = io.BytesIO()
    Image.new("RGB", (32, 32), (90, 120, 60)).save(plain, "JPEG", xmp=packet('hdrgm:Version="1.0" xmp:Rating="3"'))
    source.write_bytes(plain.getvalue())
    awbkit.correct(source, output, illuminant=(1, 1, 1))
    carried = bytes(pyvips.Image.new_from_file(str(output)).get("xmp-data"))
    assert b"hdrgm" not in carried
    assert b'xmp:Rating="3"' in carried
