"""Who may use the control API and its page: people and programs of this machine, and no page of another site.

The API has no password, so a web page that somebody on this machine looks at must not be able to use it: neither
directly (its browser names the page's origin) nor by giving this machine another name (DNS rebinding).
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

_OWN = {"same-origin", "none"}


def refusal(request: web.BaseRequest, *, is_page: bool = False) -> str:
    """Why the request is refused; empty if it is not. A page may be opened by a link from anywhere."""
    if not _is_loopback(request.remote or ""):
        return "only from this machine"
    host = request.headers.get("Host", "")
    if not _names_this_machine(host):
        return "only under a name of this machine: localhost or a loopback address"
    if any(origin != f"{request.scheme}://{host}" for origin in request.headers.getall("Origin", ())):
        return "not from pages of another site"
    is_opened = is_page and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if not is_opened and not _OWN.issuperset(request.headers.getall("Sec-Fetch-Site", ())):
        return "not from pages of another site"
    return ""


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
