"""XMP sidecars: written anew, and merged into what an editor wrote before."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from awbkit.colour.temperature import xy_to_cct_duv
from awbkit.errors import OutputError, UsageError
from awbkit.files import sidecar
from awbkit.store.outputs import IfExists

CRS = "{http://ns.adobe.com/camera-raw-settings/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"

LIGHTROOM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <!-- a comment -->
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:mine="http://example.org/unused/"
   xmp:Rating="4"
   photoshop:Instructions="first line&#xA;second &amp; last&#x9;one"
   crs:Version="16.2" crs:ProcessVersion="15.4"
   crs:WhiteBalance="As Shot" crs:Temperature="4100" crs:Tint="-7"
   crs:Exposure2012="+0.35" crs:HasSettings="True">
   <dc:subject><rdf:Bag><rdf:li>Wald &lt;&amp;&gt; Wiese</rdf:li><rdf:li>日本</rdf:li></rdf:Bag></dc:subject>
   <crs:Look>
    <rdf:Description crs:Name="Adobe Color">
     <crs:Parameters><rdf:Description crs:Version="16.2" crs:Temperature="1"/></crs:Parameters>
    </rdf:Description>
   </crs:Look>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

ELEMENTS = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Rating>5</xmp:Rating></rdf:Description>
 <rdf:Description rdf:about="" xmlns:raw="http://ns.adobe.com/camera-raw-settings/1.0/">
  <raw:WhiteBalance>Auto</raw:WhiteBalance>
  <raw:Temperature>6500</raw:Temperature>
  <raw:Tint>0</raw:Tint>
  <raw:Sharpness>25</raw:Sharpness>
 </rdf:Description>
</rdf:RDF></x:xmpmeta>"""

FOREIGN = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:crs="http://example.org/taken/" crs:note="mine"/></rdf:RDF></x:xmpmeta>"""


def settings(path: Path) -> dict[str, str]:
    """All camera raw settings of the top-level descriptions, read with another parser."""
    rdf = next(ElementTree.parse(path).getroot().iter(f"{RDF}RDF"))
    found: dict[str, str] = {}
    for description in rdf.findall(f"{RDF}Description"):
        pairs = [*description.attrib.items(), *((child.tag, child.text or "") for child in description)]
        for name, value in pairs:
            if name.startswith(CRS):
                assert name not in found, "each setting once"
                found[name.removeprefix(CRS)] = value
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "photo.xmp"


class TestNew:
    def test_holds_what_editors_ask_for(self, path: Path) -> None:
        assert sidecar.write(path, 5432.4, 9.6)
        assert settings(path) == {
            "Version": "15.0",
            "ProcessVersion": "11.0",
            "WhiteBalance": "Custom",
            "Temperature": "5432",
            "Tint": "+10",
            "HasSettings": "True",
        }
        assert path.read_text().startswith("<x:xmpmeta")
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("temperature", "tint", "expected"),
        [
            (1667, 0, ("2000", "+0")),
            (1e9, 0, ("50000", "+0")),
            (float("inf"), -1e9, ("50000", "-150")),
            (5000, 300, ("5000", "+150")),
            (2000.4, -3.6, ("2000", "-4")),
        ],
    )
    def test_clamps(self, path: Path, temperature: float, tint: float, expected: tuple[str, str]) -> None:
        sidecar.write(path, temperature, tint)
        assert (settings(path)["Temperature"], settings(path)["Tint"]) == expected

    @pytest.mark.parametrize(("temperature", "tint"), [(float("nan"), 0.0), (5000.0, float("nan"))])
    def test_not_a_number(self, path: Path, temperature: float, tint: float) -> None:
        with pytest.raises(UsageError, match="not a number"):
            sidecar.write(path, temperature, tint)
        assert not path.exists()

    def test_folder_in_the_way(self, path: Path) -> None:
        path.mkdir()
        for if_exists in (IfExists.FAIL, IfExists.REPLACE):
            with pytest.raises(OutputError):
                sidecar.write(path, 5000, 0, if_exists)


class TestMerge:
    def test_changes_white_balance_alone(self, path: Path) -> None:
        path.write_text(LIGHTROOM, encoding="utf-8")
        before = settings(path)
        assert sidecar.write(path, 3000, 12, IfExists.REPLACE)
        changed = {"WhiteBalance": "Custom", "Temperature": "3000", "Tint": "+12"}
        assert settings(path) == before | changed

    def test_everything_else_is_the_same_document(self, path: Path) -> None:
        path.write_text(LIGHTROOM, encoding="utf-8")
        sidecar.write(path, 3000, 12, IfExists.REPLACE)

        def canonicalise(text: str) -> str:
            return ElementTree.canonicalize(
                text.removeprefix("\ufeff"),
                with_comments=True,
                strip_text=True,
                exclude_attrs=[CRS + n for n in ("WhiteBalance", "Temperature", "Tint")],
            )

        after = path.read_text(encoding="utf-8")
        assert canonicalise(after) == canonicalise(LIGHTROOM)
        assert 'crs:Temperature="1"' in after, "a look keeps its own"
        assert 'xmlns:mine="http://example.org/unused/"' in after
        assert "first line&#10;second &amp; last&#9;one" in after
        assert after.startswith('<?xpacket begin="\ufeff"')
        assert after.rstrip().endswith('<?xpacket end="w"?>')

    def test_element_form_and_another_prefix(self, path: Path) -> None:
        path.write_text(ELEMENTS, encoding="utf-8")
        sidecar.write(path, 7000, 1, IfExists.REPLACE)
        found = settings(path)
        assert (found["WhiteBalance"], found["Temperature"], found["Tint"]) == ("Custom", "7000", "+1")
        assert found["Sharpness"] == "25"
        text = path.read_text(encoding="utf-8")
        assert "<xmp:Rating>5</xmp:Rating>" in text
        assert 'raw:Temperature="7000"' in text
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')

    def test_prefix_taken_by_another_namespace(self, path: Path) -> None:
        path.write_text(FOREIGN)
        sidecar.write(path, 7000, 1, IfExists.REPLACE)
        assert settings(path)["Temperature"] == "7000"
        assert 'crs:note="mine"' in path.read_text()

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_other_encodings(self, path: Path, encoding: str) -> None:
        path.write_text(LIGHTROOM.replace("\ufeff", ""), encoding=encoding)
        sidecar.write(path, 3000, 12, IfExists.REPLACE)
        assert "日本" in path.read_text(encoding="utf-8")
        assert settings(path)["Temperature"] == "3000"

    def test_twice_is_once(self, path: Path) -> None:
        path.write_text(LIGHTROOM, encoding="utf-8")
        sidecar.write(path, 3000, 12, IfExists.REPLACE)
        once = path.read_bytes()
        sidecar.write(path, 3000, 12, IfExists.REPLACE)
        assert path.read_bytes() == once

    def test_skip_and_fail_leave_it(self, path: Path) -> None:
        path.write_text(ELEMENTS)
        assert not sidecar.write(path, 3000, 12, IfExists.SKIP)
        with pytest.raises(OutputError):
            sidecar.write(path, 3000, 12)
        assert path.read_text() == ELEMENTS

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "not well-formed"),
            ("no XML at all", "not well-formed"),
            (LIGHTROOM[:-200], "not well-formed"),
            ("<a/>", "no XMP description"),
            ("<?xml version='1.0' encoding='klingon'?><a/>", "not well-formed"),
            ('<!DOCTYPE a [<!ENTITY b "bb">]>' + ELEMENTS.split("\n", 1)[1], "document type"),
            ("<a>" * 5000 + "</a>" * 5000, "nests"),
        ],
    )
    def test_refuses_what_it_cannot_keep(self, path: Path, content: str, reason: str) -> None:
        path.write_text(content, encoding="utf-8")
        before = path.read_bytes()
        with pytest.raises(OutputError, match=reason):
            sidecar.write(path, 5000, 0, IfExists.REPLACE)
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]


class TestTint:
    def test_greenish_light_asks_for_magenta(self) -> None:
        assert sidecar.tint_from_duv(0.01) == pytest.approx(30)
        assert sidecar.tint_from_duv(-0.01) == pytest.approx(-30)

    @pytest.mark.parametrize(("x", "y"), [(0.33243, 0.34744), (0.31272, 0.32903)])
    def test_daylight_is_plus_ten_as_in_the_editors_preset(self, x: float, y: float) -> None:
        found = xy_to_cct_duv(x, y)
        assert found is not None
        assert sidecar.tint_from_duv(found[1]) == pytest.approx(10, abs=0.8)
