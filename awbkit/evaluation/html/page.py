"""An evaluation as one self-contained HTML file, for light and dark screens and for print.

Radio buttons and style rules choose the error, the group and the method, so the page works without scripts. Browsers
without ``:has`` show everything. A short script adds sorting and values along curves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from awbkit.colour.image import LinearImage
from awbkit.errors import UsageError
from awbkit.evaluation.html import sections
from awbkit.evaluation.html.controls import choice_rules, method_rules
from awbkit.evaluation.html.directions import group_by_camera
from awbkit.evaluation.html.tables import pair_groups
from awbkit.evaluation.leaders import groups
from awbkit.evaluation.result import Evaluation
from awbkit.html.frame import begin_page, end_page, resource
from awbkit.store.outputs import IfExists, write_whole

Images = Callable[[int], LinearImage]
"""Maps the index of an image of the evaluation to its thumbnail, with its camera."""


@dataclass(frozen=True)
class PageOptions:
    """Options of the page.

    Attributes:
        worst: Number of images in a gallery; 0 for none.
        gallery: Galleries of the best method only, or of each (some 9 KB an image).

    Raises:
        UsageError: If ``worst`` is negative.
    """

    worst: int = 24
    gallery: str = "best"

    def __post_init__(self) -> None:
        if self.worst < 0:
            raise UsageError(f"a gallery cannot show {self.worst} images; give 0 or more")


def write_page(
    path: Path,
    evaluation: Evaluation,
    images: Images | None = None,
    *,
    options: PageOptions | None = None,
    if_exists: IfExists = IfExists.FAIL,
) -> bool:
    """Write the page atomically.

    Args:
        path: The file.
        evaluation: The evaluation.
        images: Source of the thumbnails. None leaves out the gallery and everything that needs cameras' matrices.
        options: Options of the page.
        if_exists: Action if the file exists.

    Returns:
        False if the file existed and was kept.

    Raises:
        UsageError: If the evaluation has no images or no methods.
        OutputError: If the file exists and must not, or cannot be written.
    """
    text = page(evaluation, images, options=options)
    return write_whole(path, if_exists, text)


def page(evaluation: Evaluation, images: Images | None = None, *, options: PageOptions | None = None) -> str:
    """The page's HTML, which is reproducible; arguments and errors as in :func:`write_page`."""
    if not len(evaluation.truth) or not evaluation.methods:
        raise UsageError("an evaluation without images or methods cannot be shown")
    options = options or PageOptions()
    members = group_by_camera(evaluation.truth, (lambda index: images(index).camera) if images else None)
    parts = [
        sections.results(evaluation),
        sections.distributions(evaluation, members),
        sections.chromaticity(evaluation, members),
        sections.direction(evaluation, members),
        sections.confidence(evaluation),
        sections.comparisons(evaluation),
        sections.galleries(evaluation, images, options.worst, each=options.gallery == "each") if images else "",
        sections.basis(evaluation, members),
    ]
    body = "\n".join(part for part in parts if part)
    head = sections.head(evaluation)
    style = resource(__package__, "page.css") + _rules(evaluation)
    return (
        begin_page(f"{evaluation.title}: white-balance evaluation", style)
        + f"{head}\n{_contents(body)}\n{sections.controls(evaluation)}\n{body}"
        + end_page(resource(__package__, "page.js"))
    )


def _contents(body: str) -> str:
    """Links to the sections."""
    links = [
        f'<a href="#{name}">{title}</a>' for name, title in re.findall(r'<section id="(\w+)"><h2>([^<]+)</h2>', body)
    ]
    return f'<nav aria-label="Contents">{"".join(links)}</nav>'


def _rules(evaluation: Evaluation) -> str:
    """The style rules that depend on the number of methods and groups."""
    methods = len(evaluation.methods)
    counts = {
        "metric": len(sections.metrics_of(evaluation)),
        "group": len(groups(evaluation)),
        "pair": len(pair_groups(evaluation)),
        "worst": methods,
        "method": methods,
    }
    return method_rules(methods) + "".join(choice_rules(name, count) for name, count in counts.items())
