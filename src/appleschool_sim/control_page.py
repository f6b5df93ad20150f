"""The control page: a person's view of the control API. Own files, no build step, nothing from elsewhere."""

from functools import cache
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).with_name("page")
ADDRESS = "/_control/"
_FILES = {
    "": ("index.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_page(name: str) -> bool:
    """Whether the name below `/_control/` is the page's or one of its files'."""
    return name in _FILES


def page(name: str) -> web.Response:
    file, content_type = _FILES[name]
    return web.Response(body=_content(file), content_type=content_type, charset="utf-8", headers=HEADERS)


def to_the_page() -> web.Response:
    """From the bare address, which people type, to the page."""
    return web.Response(status=302, headers={"Location": ADDRESS, **HEADERS})


@cache
def _content(file: str) -> bytes:
    return (FOLDER / file).read_bytes()
