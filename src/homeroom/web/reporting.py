"""What Django's error reports may show."""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class DiscreetReporterFilter(SafeExceptionReporterFilter):
    """Hides what is secret by its name, in the detailed error pages of development too."""

    hidden_settings = re.compile(SafeExceptionReporterFilter.hidden_settings.pattern + "|PEM", re.IGNORECASE)

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {} if request is None else self._cleansed(request.POST.items())

    def get_traceback_frame_variables(
        self, _request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        return self._cleansed(tb_frame.f_locals.items()).items()

    def _cleansed(self, values: Any) -> dict[str, Any]:
        return {name: self.cleanse_setting(name, value) for name, value in values}
