"""What waits for the token's owner, as the first page has it; to be read only."""

from typing import Any, Literal

from ninja import Router, Schema

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.web.dashboard import waiting_for

router = Router(tags=["dashboard"])


class WaitingOut(Schema):
    """`number` is null for what is one thing by itself; `more` says that it stands for more than it."""

    name: str
    title: str
    sentence: str
    severity: Literal["broken", "late", "open"]
    number: int | None
    more: bool
    page: str


@router.get("/dashboard", response=list[WaitingOut])
@requires(Permission.OWN_ACCOUNT)
def dashboard(request: ApiRequest) -> Any:
    """The worst first. `page` is the address, below Homeroom's own, of the list or of where it can be put right."""
    return [
        {
            "name": card.name,
            "title": each.title,
            "sentence": each.sentence,
            "severity": each.severity.name.lower(),
            "number": each.number.counted if each.number else None,
            "more": bool(each.number and each.number.more),
            "page": each.url,
        }
        for card, each in waiting_for(request.viewer)
    ]
