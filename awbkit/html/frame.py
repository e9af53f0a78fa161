"""The frame of a self-contained page: its head, its style and its script."""

from __future__ import annotations

from importlib.resources import files

from awbkit.escaping import markup


def begin_page(title: str, style: str) -> str:
    """Everything up to the beginning of the body.

    Args:
        title: Plain text for the window and the browser's tab.
        style: Style rules that follow the basic ones of ``base.css``.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{markup(title)}</title>'
        f"<style>\n{resource(__package__, 'base.css')}{style}</style></head>\n<body>\n"
    )


def end_page(script: str) -> str:
    """Everything from the end of the body's content, with a script of the project's own."""
    return f"\n<script>\n{script}</script></body></html>\n"


def resource(package: str, name: str) -> str:
    """The text of a style sheet or a script that lies in a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
