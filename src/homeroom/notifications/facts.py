"""A fact's context on its way through JSON: days and times come out as they went in, so templates can write them."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise


def packed(context: Mapping[str, Any]) -> Any:
    """What a JSON column can hold. Raises TypeError for a value that is no fact, a model or a lazy text for example."""
    return json.loads(json.dumps(_marked(dict(context)), cls=_Encoder))


def unpacked(context: Any) -> Any:
    match context:
        case {"$time": str(text)} if len(context) == 1:
            return datetime.fromisoformat(text)
        case {"$day": str(text)} if len(context) == 1:
            return date.fromisoformat(text)
        case dict():
            return {name: unpacked(value) for name, value in context.items()}
        case list():
            return [unpacked(value) for value in context]
        case _:
            return context


def _marked(value: Any) -> Any:
    match value:
        case datetime():
            if value.tzinfo is None:
                raise TypeError("a time without its zone is nobody's time")
            return {"$time": value.isoformat()}
        case date():
            return {"$day": value.isoformat()}
        case Mapping():
            return {str(name): _marked(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_marked(inner) for inner in value]
        case _:
            return value


class _Encoder(DjangoJSONEncoder):
    def default(self, o: object) -> Any:
        if isinstance(o, Promise):
            raise TypeError("a lazy text is no fact: it would be kept in one language's words")
        return super().default(o)
