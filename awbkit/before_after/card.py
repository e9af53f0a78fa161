"""One picture on the page: the slider between before and after, its light, and what is odd about it."""

from __future__ import annotations

from pathlib import Path

from awbkit.before_after.exhibit import Exhibit
from awbkit.before_after.plane import small_chart
from awbkit.before_after.preview import Preview
from awbkit.colour.illuminant import Illuminant
from awbkit.escaping import markup
from awbkit.html.svg import shorten
from awbkit.network.model import GREATEST_ERROR

_NAME_LENGTH = 90
_REMARK_LENGTH = 300
_HIGHEST_CCT = 25_000
_FAR_DUV = 0.03
"""Temperatures say little of lights beyond; the terms of CIE 15:2018 end at a Duv of 0.05."""


def card(exhibit: Exhibit, anchor: str) -> str:
    """The card as HTML.

    Args:
        exhibit: The picture.
        anchor: The card's identifier, unique on the page.
    """
    name = str(exhibit.before)
    classes = "card unsure" if exhibit.is_uncertain else "card"
    heading = f'<h2 title="{markup(name)}">{markup(shorten(name, _NAME_LENGTH))}</h2>'
    source = f'<p class="source">{_after_text(exhibit.before, exhibit.after)}</p>'
    remarks = "".join(f'<p class="remark">{markup(shorten(each, _REMARK_LENGTH))}</p>' for each in exhibit.remarks)
    drawing = ""
    if exhibit.place is not None:
        drawing = small_chart(exhibit.place, f"The light of {name}", is_uncertain=exhibit.is_uncertain)
    return (
        f'<li class="{classes}" id="{anchor}">{_slider(exhibit, name)}{heading}{source}{remarks}'
        f'<div class="about"><div class="facts">{"".join(_light_lines(exhibit))}</div>{drawing}</div></li>\n'
    )


def expected_text(degrees: float | None) -> str:
    """Such as ``2.4°``; ``≥ 15°`` at the ceiling of what networks state, and a dash where none is stated."""
    if degrees is None:
        return "–"
    return f"≥ {GREATEST_ERROR:g}°" if degrees >= GREATEST_ERROR else f"{degrees:.1f}°"


def temperature_text(light: Illuminant) -> str:
    """Such as ``2,912 K, Duv +0.002``; in words where a temperature would mislead."""
    if light.cct_duv is None:
        return "off the scale of colour temperatures" if light.camera.matrices else "the camera has no known matrix"
    cct, duv = light.cct_duv
    text = f"over {_HIGHEST_CCT:,} K" if cct > _HIGHEST_CCT else f"{cct:,.0f} K"
    far = f", far on the {'green' if duv > 0 else 'magenta'} side" if abs(duv) > _FAR_DUV else ""
    return f"{text}, Duv {duv:+.3f}{far}".replace("-", "−")


def _slider(exhibit: Exhibit, name: str) -> str:
    sides = ((exhibit.after_preview, "after"), (exhibit.before_preview, "before"))
    known = exhibit.before_preview or exhibit.after_preview
    # Tall pictures stand in a square, or every row of the page would be as tall as they are.
    ratio = max(known.width / known.height, 1.0) if known else 1.5
    pictures = "".join(_picture(preview, side, name) for preview, side in sides)
    control = ""
    if exhibit.before_preview and exhibit.after_preview:
        control = f'<input type="range" value="50" step="2" aria-label="{markup(f"Share before of {name}")}">'
    before = "before, as shot" if exhibit.is_raw else "before"
    labels = f'<span class="tag">{before}</span><span class="tag right">after</span>'
    kind = "pair" if control else "pair single"
    return f'<div class="{kind}" style="--ratio:{ratio:.4g}">{pictures}{labels}{control}</div>'


def _picture(preview: Preview | None, side: str, name: str) -> str:
    if preview is None:
        return f'<div class="none {side}">no picture</div>'
    return (
        f'<img class="{side}" src="{preview.uri}" width="{preview.width}" height="{preview.height}" loading="lazy" '
        f'decoding="async" alt="{markup(f"{name}, {side}")}">'
    )


def _after_text(before: Path, after: Path) -> str:
    text = after.name if after.parent == before.parent else str(after)
    return f'after: <span title="{markup(str(after))}">{markup(shorten(text, _NAME_LENGTH))}</span>'


def _light_lines(exhibit: Exhibit) -> list[str]:
    light = exhibit.light
    if light is None:
        return []
    method = f" by {markup(shorten(exhibit.method, 60))}" if exhibit.method else ""
    if exhibit.expected_error is not None:
        lines = [f"<b>{expected_text(exhibit.expected_error)}</b> expected error{method and f', light{method}'}"]
    else:
        lines = [f"light{method}"] if method else []
    red, green, blue = light.gains
    lines += [temperature_text(light), f"gains {red:.3f}, {green:.0f}, {blue:.3f}"]
    if exhibit.place is None and light.camera.matrices:
        lines.append("off the chromaticity plane")
    return [f"<p>{line}</p>" for line in lines]
