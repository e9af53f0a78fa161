"""White balance for raw editors: an XMP sidecar (ISO 16684-1) with the settings of Adobe Camera Raw and Lightroom.

The raw stays untouched; the editor opens it with this white balance. An existing sidecar keeps all its other contents.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from awbkit.errors import OutputError, UsageError
from awbkit.files import xmp
from awbkit.files.xmp import CAMERA_RAW, RDF, XMLNS
from awbkit.store.outputs import IfExists, atomic_write
from awbkit.store.streams import open_stream

if TYPE_CHECKING:
    from xml.dom.minidom import Element

TEMPERATURE_RANGE = (2000, 50000)
TINT_RANGE = (-150, 150)

_META = "adobe:ns:meta/"
_TINT_PER_DUV = 3000
# Process version 5; without one, Lightroom takes the settings for those of 2003.
_BASE_SETTINGS = {"Version": "15.0", "ProcessVersion": "11.0"}
_MAX_SIZE = 16 << 20
_REMEDY = "mend or move that file; it was left as it is"

_EMPTY_PACKET = f"""<x:xmpmeta xmlns:x="{_META}">
 <rdf:RDF xmlns:rdf="{RDF}">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
"""


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
        path: The sidecar.
        temperature: Correlated colour temperature in kelvin; clamped to 2000 to 50000, all that editors accept.
        tint: Adobe's tint, see :func:`tint_from_duv`; clamped to -150 to 150.
        if_exists: What to do with an existing sidecar.

    Returns:
        False where the sidecar existed and was left alone.

    Raises:
        UsageError: Temperature or tint is not a number.
        OutputError: The sidecar exists and ``if_exists`` forbids it, it is no sound XMP, or it cannot be written.
    """
    settings = {
        "WhiteBalance": "Custom",
        "Temperature": str(_clamp("temperature", temperature, TEMPERATURE_RANGE)),
        "Tint": f"{_clamp('tint', tint, TINT_RANGE):+d}",
        "HasSettings": "True",
    }
    existing = None
    if if_exists is IfExists.REPLACE and path.exists():
        try:
            with open_stream(path) as file:
                existing = file.read(_MAX_SIZE + 1)
        except OSError as error:
            raise OutputError(path, f"the existing sidecar cannot be read ({error})", _REMEDY) from error
        if len(existing) > _MAX_SIZE:
            raise OutputError(path, f"the existing sidecar has more than {_MAX_SIZE >> 20} MB", _REMEDY)
    content = _merge(path, existing, settings)
    return atomic_write(path, if_exists, lambda temporary: _save(temporary, content))


def _save(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _clamp(name: str, value: float, limits: tuple[int, int]) -> int:
    if value != value:
        raise UsageError(f"{name} is not a number")
    low, high = limits
    return round(min(max(value, low), high))


def _merge(path: Path, existing: bytes | None, settings: dict[str, str]) -> bytes:
    try:
        document = xmp.parse(existing if existing is not None else _EMPTY_PACKET.encode())
    except ValueError as error:
        raise OutputError(path, f"the existing sidecar {error}", _REMEDY) from error
    descriptions = xmp.descriptions(document)
    if not descriptions:
        raise OutputError(path, "the existing sidecar holds no XMP description", _REMEDY)
    present = {name for description in descriptions for name in _BASE_SETTINGS if _has(description, name)}
    home = next((d for d in descriptions if CAMERA_RAW in _namespaces(d).values()), descriptions[0])
    for description in descriptions:
        xmp.remove(description, lambda namespace, name: namespace == CAMERA_RAW and name in settings)
    prefix = _prefix(home)
    for name, value in ({n: v for n, v in _BASE_SETTINGS.items() if n not in present} | settings).items():
        home.setAttributeNS(CAMERA_RAW, f"{prefix}:{name}", value)
    return xmp.serialise(document, with_declaration=existing is not None and b"<?xml" in existing[:8])


def _has(description: Element, name: str) -> bool:
    elements = description.getElementsByTagNameNS(CAMERA_RAW, name)
    return description.hasAttributeNS(CAMERA_RAW, name) or any(e.parentNode is description for e in elements)


def _namespaces(element: Element) -> dict[str, str]:
    """Namespaces in scope, by prefix."""
    scope: dict[str, str] = {}
    node: Any = element
    while node is not None and node.nodeType == node.ELEMENT_NODE:
        for attribute in node.attributes.values():
            if attribute.namespaceURI == XMLNS and attribute.prefix:
                scope.setdefault(attribute.localName, attribute.value)
        node = node.parentNode
    return scope


def _prefix(home: Element) -> str:
    scope = _namespaces(home)
    for prefix, namespace in scope.items():
        if namespace == CAMERA_RAW:
            return prefix
    prefix = next(name for name in ("crs", *(f"crs{i}" for i in range(len(scope) + 1))) if name not in scope)
    home.setAttributeNS(XMLNS, f"xmlns:{prefix}", CAMERA_RAW)
    return prefix
