"""A page of pictures before and after, read back."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

VOID = {"meta", "img", "input", "br"}


@dataclass
class ShownCard:
    """One card: its name, its words, and its pictures as (H, W, 3) sRGB by side."""

    anchor: str
    classes: list[str]
    name: str = ""
    words: str = ""
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


class ShownPage(HTMLParser):
    """The cards in their order; fails where an element is not closed, or something is loaded from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = text
        self.cards: list[ShownCard] = []
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        assert not any(key.startswith("on") for key in values), values
        assert tag not in ("link", "iframe", "object", "base")
        assert all(values[key].startswith(("#", "data:image/jpeg;base64,")) for key in ("href", "src") if key in values)
        if tag == "li" and "card" in values.get("class", "").split():
            self.cards.append(ShownCard(values["id"], values["class"].split()))
        if not self.cards:
            return
        self.cards[-1].tags.append(tag)
        if tag == "h2":
            self.cards[-1].name = values["title"]
        if tag == "img":
            assert values["alt"]
            data = base64.b64decode(values["src"].partition(",")[2])
            picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            assert picture.shape[:2] == (int(values["height"]), int(values["width"]))
            self.cards[-1].pictures[values["class"]] = picture

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.cards and "script" not in self.open:
            self.cards[-1].words += f" {data}"


def read_page(path: Path) -> ShownPage:
    return ShownPage(path.read_text(encoding="utf-8"))
