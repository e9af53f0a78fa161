"""The gallery of the worst images: before, after, and balanced for the true light."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.escaping import markup
from awbkit.evaluation.html.directions import signed_errors
from awbkit.evaluation.html.rendering import canonical_white, data_uri, gray_card, render
from awbkit.evaluation.result import Evaluation, MethodResult
from awbkit.html.svg import figure_text, shorten

_NAME_LENGTH = 120


def worst_images(result: MethodResult, count: int) -> list[int]:
    """Indices of the images with the greatest recovery errors, in descending order; ties keep the images' order."""
    return [int(index) for index in np.argsort(-result.errors["recovery"], kind="stable")[:count]]


def gallery(evaluation: Evaluation, method: int, images: Callable[[int], LinearImage], count: int) -> str:
    """Cards of one method's worst images, as HTML.

    Args:
        evaluation: The evaluation.
        method: Index of the method.
        images: Maps the index of an image to its thumbnail.
        count: Number of cards.
    """
    cards = [
        _card(evaluation, method, index, images(index)) for index in worst_images(evaluation.methods[method], count)
    ]
    return f'<ol class="gallery">{"".join(cards)}</ol>'


def _card(evaluation: Evaluation, method: int, index: int, image: LinearImage) -> str:
    result, truth = evaluation.methods[method], evaluation.truth.illuminants[index].tolist()
    estimate = result.estimates[index].tolist()
    failed = not np.isfinite(estimate).all()
    white = canonical_white(image.camera)
    pictures = render(image, [white, white if failed else estimate, truth], truth)
    name = evaluation.truth.images[index]
    before = "balanced for D65" if image.camera.matrices else "raw, not balanced"
    after = "no estimate" if failed else "balanced for the estimate"
    figures = [
        _figure(pictures[0], "before", f"{name}, {before}"),
        f'<figure><div class="none">{markup(after)}</div><figcaption>after</figcaption></figure>'
        if failed
        else _figure(pictures[1], "after", f"{name}, {after}"),
        _figure(pictures[2], "truth", f"{name}, balanced for the true light"),
    ]
    source = " · ".join(part for part in (evaluation.truth.datasets[index], evaluation.truth.cameras[index]) if part)
    lines = [
        f'<p class="name" title="{markup(name)}">{markup(shorten(name, _NAME_LENGTH))}</p>',
        f'<p class="source">{markup(source)}</p>',
        _errors(evaluation, method, index),
    ]
    if failed:
        lines.append(f"<p>{markup(result.failures.get(index, 'no estimate'))}</p>")
    else:
        red, green, blue = gray_card(truth, estimate, image.camera)
        swatch = f'<span class="swatch" style="background:rgb({red},{green},{blue})"></span>'
        lines.append(f"<p>{_direction(truth, estimate, image)}; a gray card comes out {swatch}</p>")
    lines.append(f'<p class="gains">{_gains(truth, estimate, failed)}</p>')
    return f'<li class="card"><div class="triple">{"".join(figures)}</div>{"".join(lines)}</li>'


def _figure(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], caption: str, alternative: str) -> str:
    height, width = pixels.shape[:2]
    picture = f'<img src="{data_uri(pixels)}" width="{width}" height="{height}" alt="{markup(alternative)}">'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _errors(evaluation: Evaluation, method: int, index: int) -> str:
    result = evaluation.methods[method]
    text = f"<b>{figure_text(float(result.errors['recovery'][index]), 1)}°</b>"
    if "reproduction" in result.errors:
        text += f" recovery, {figure_text(float(result.errors['reproduction'][index]), 1)}° reproduction"
    if np.isfinite(result.expected[index]):
        text += f"; expected {figure_text(float(result.expected[index]), 1)}°"
    text = f"<p>{text}</p>"
    others = [
        (float(other.errors["recovery"][index]), other.method) for other in evaluation.methods if other is not result
    ]
    if others:
        error, name = min(others)
        text += f"<p>best other method: {markup(shorten(name, 60))}, {figure_text(error, 1)}°</p>"
    return text


def _direction(truth: Sequence[float], estimate: Sequence[float], image: LinearImage) -> str:
    along, across = signed_errors(np.array([truth]), np.array([estimate]), image.camera)[0].tolist()
    warmth = f"{figure_text(abs(along), 1)}° too {'warm' if along > 0 else 'cool'}"
    return f"light estimated {warmth}, {figure_text(abs(across), 1)}° too {'green' if across > 0 else 'magenta'}"


def _gains(truth: Sequence[float], estimate: Sequence[float], failed: bool) -> str:
    def pair(rgb: Sequence[float]) -> str:
        return f"{rgb[1] / rgb[0]:.3f}, {rgb[1] / rgb[2]:.3f}"

    return f"red and blue gain: estimate {'–' if failed else pair(estimate)}; truth {pair(truth)}"
