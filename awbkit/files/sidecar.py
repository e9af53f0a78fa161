"""White balance for raw editors: an XMP sidecar (ISO 16684-1) with the settings of Adobe Camera Raw and Lightroom.

The raw stays untouched; the editor opens it with this white balance. An existing sidecar keeps all that it says about
anything else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from awbkit.errors import OutputError, UsageError
from awbkit.files.outputs import IfExists, atomic_write

if TYPE_CHECKING:
    from xml.dom.minidom import Document, Element

CAMERA_RAW: Final = "http://ns.adobe.com/camera-raw-settings/1.0/"
TEMPERATURE_RANGE = (2000, 50000)
TINT_RANGE = (-150, 150)

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_META = "adobe:ns:meta/"
_TINT_PER_DUV = 3000
_MAX_DEPTH = 100
# Process version 5; without one, Lightroom takes the settings for those of 2003.
_FIRST_SETTINGS = {"Version": "15.0", "ProcessVersion": "11.0"}
_REMEDY = "mend or move that file; it was left as it is"

_EMPTY = f"""<x:xmpmeta xmlns:x="{_META}">
 <rdf:RDF xmlns:rdf="{_RDF}">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
"""


def path_for(raw: Path) -> Path:
    """Where editors look for the sidecar of a raw: ``photo.xmp`` beside ``photo.CR3``."""
    return raw.with_suffix(".xmp")


def tint_from_duv(duv: float) -> float:
    """Tint of a light ``duv`` away from the Planckian locus, on Adobe's scale.

    The DNG SDK measures along the isotherm in CIE 1960 uv, -3000 per unit in the direction of pink. Duv counts in the
    direction of green, hence 3000: greenish light has positive tint, and so pushes the picture towards magenta. The
    result is not clamped; :func:`write` does that.
    """
    return _TINT_PER_DUV * duv


def write(path: Path, temperature: float, tint: float, if_exists: IfExists = IfExists.FAIL) -> bool:
    """Write a sidecar, or put the white balance into an existing one.

    With ``IfExists.REPLACE`` only the white balance of an existing sidecar changes; other settings, ratings, keywords
    and properties of any namespace stay.

    Args:
        path: The sidecar, see :func:`path_for`.
        temperature: Correlated colour temperature in kelvin; clamped to 2000 to 50000, all that editors accept.
        tint: Adobe's tint, see :func:`tint_from_duv`; clamped to -150 to 150.
        if_exists: What to do with an existing sidecar.

    Returns:
        False where the sidecar existed and was left alone.

    Raises:
        UsageError: Temperature or tint is not a number.
        OutputError: The sidecar exists and must not, is no sound XMP, or cannot be written.
    """
    settings = {
        "WhiteBalance": "Custom",
        "Temperature": str(_clamped("temperature", temperature, TEMPERATURE_RANGE)),
        "Tint": f"{_clamped('tint', tint, TINT_RANGE):+d}",
        "HasSettings": "True",
    }
    existing = None
    if if_exists is IfExists.REPLACE and path.exists():
        try:
            existing = path.read_bytes()
        except OSError as error:
            raise OutputError(path, f"the existing sidecar cannot be read ({error})", _REMEDY) from error
    content = _merged(path, existing, settings)
    return atomic_write(path, if_exists, lambda temporary: _save(temporary, content))


def _save(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _clamped(name: str, value: float, limits: tuple[int, int]) -> int:
    if value != value:
        raise UsageError(f"{name} is not a number")
    low, high = limits
    return round(min(max(value, low), high))


def _merged(path: Path, existing: bytes | None, settings: dict[str, str]) -> bytes:
    document = _parse(path, existing if existing is not None else _EMPTY.encode())
    descriptions = [
        child
        for rdf in document.getElementsByTagNameNS(_RDF, "RDF")[:1]
        for child in rdf.childNodes
        if child.nodeType == child.ELEMENT_NODE and (child.namespaceURI, child.localName) == (_RDF, "Description")
    ]
    if not descriptions:
        raise OutputError(path, "the existing sidecar holds no XMP description", _REMEDY)
    present = {name for description in descriptions for name in _FIRST_SETTINGS if _has(description, name)}
    home = next((d for d in descriptions if CAMERA_RAW in _declared(d).values()), descriptions[0])
    for description in descriptions:
        for name in settings:
            _remove(description, name)
    prefix = _prefix(home)
    for name, value in ({n: v for n, v in _FIRST_SETTINGS.items() if n not in present} | settings).items():
        home.setAttributeNS(CAMERA_RAW, f"{prefix}:{name}", value)
    return _serialised(document, with_declaration=existing is not None and b"<?xml" in existing[:8])


def _parse(path: Path, data: bytes) -> Document:
    from xml.dom import minidom
    from xml.parsers import expat

    depth = 0

    def refuse(*_: object) -> None:
        raise OutputError(path, "the existing sidecar has a document type, which XMP has not", _REMEDY)

    def enter(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise OutputError(path, f"the existing sidecar nests more than {_MAX_DEPTH} elements", _REMEDY)

    def leave(*_: object) -> None:
        nonlocal depth
        depth -= 1

    check = expat.ParserCreate()
    check.StartDoctypeDeclHandler = refuse
    check.StartElementHandler, check.EndElementHandler = enter, leave
    try:
        check.Parse(data, True)
        return minidom.parseString(data)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise OutputError(path, f"the existing sidecar is not well-formed XML ({error})", _REMEDY) from error


def _children(description: Element, name: str) -> list[Element]:
    return [child for child in description.getElementsByTagNameNS(CAMERA_RAW, name) if child.parentNode is description]


def _has(description: Element, name: str) -> bool:
    return description.hasAttributeNS(CAMERA_RAW, name) or bool(_children(description, name))


def _remove(description: Element, name: str) -> None:
    if description.hasAttributeNS(CAMERA_RAW, name):
        description.removeAttributeNS(CAMERA_RAW, name)
    for child in _children(description, name):
        before = child.previousSibling
        if before is not None and before.nodeType == before.TEXT_NODE and not before.data.strip():
            description.removeChild(before)
        description.removeChild(child)


def _declared(element: Element) -> dict[str, str]:
    """Namespaces in scope, by prefix."""
    scope: dict[str, str] = {}
    node: Any = element
    while node is not None and node.nodeType == node.ELEMENT_NODE:
        for attribute in node.attributes.values():
            if attribute.namespaceURI == _XMLNS and attribute.prefix:
                scope.setdefault(attribute.localName, attribute.value)
        node = node.parentNode
    return scope


def _prefix(home: Element) -> str:
    scope = _declared(home)
    for prefix, namespace in scope.items():
        if namespace == CAMERA_RAW:
            return prefix
    prefix = next(name for name in ("crs", *(f"crs{i}" for i in range(len(scope) + 1))) if name not in scope)
    home.setAttributeNS(_XMLNS, f"xmlns:{prefix}", CAMERA_RAW)
    return prefix


def _serialised(document: Document, with_declaration: bool) -> bytes:
    # Line breaks written as references, as Adobe does, would come back as plain ones, which a reader takes for spaces.
    # U+FFFE cannot occur in XML and so marks their place while minidom writes.
    nodes: list[Any] = list(document.childNodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.childNodes)
        if node.nodeType == node.TEXT_NODE:
            node.data = re.sub("\r", "\ufffe13;", node.data)
        for attribute in list((node.attributes or {}).values()):
            attribute.value = re.sub("[\t\n\r]", lambda found: f"\ufffe{ord(found[0])};", attribute.value)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>'] if with_declaration else []
    lines += [node.toxml() for node in document.childNodes]
    return ("\n".join(lines).replace("\ufffe", "&#") + "\n").encode()
