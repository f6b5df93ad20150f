"""Why a device stands as it does; to be read only."""

from typing import Any

from ninja import Query, Router, Schema
from pydantic import Field

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.applesync.queries import why as queries
from homeroom.applesync.why.answers import row

router = Router(tags=["why"])


class WhyQuery(Schema):
    """`q` is a serial number or an asset tag."""

    q: str = Field(min_length=1, max_length=100, pattern=r"\S")


@router.get("/why", response=dict[str, Any])
@requires(Permission.VIEW_SYNC)
def why(request: ApiRequest, query: Query[WhyQuery]) -> Any:
    """Every question about one device, each with the one cause that applies; also of one that nobody knows."""
    return row(queries.why(request.viewer, query.q))
