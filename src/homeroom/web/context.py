from typing import Any

from django.http import HttpRequest

from homeroom.web import navigation


def shell(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame needs: the viewer and the pages that this viewer may open."""
    viewer = getattr(request, "viewer", None)
    if viewer is None:
        return {"viewer": None}
    return {
        "viewer": viewer,
        "menu": [page for page in navigation.menu() if viewer.may(page.permission)],
        "settings_pages": [page for page in navigation.settings_pages() if viewer.may(page.permission)],
        "account_pages": [page for page in navigation.account_pages() if viewer.may(page.permission)],
    }
