"""How long something takes, as people read it."""

from datetime import timedelta

from django.utils.translation import ngettext


def clock(duration: timedelta) -> str:
    """`0:07`, `12:40`, `3:05:09`, and days in words before it."""
    seconds = max(0, round(duration.total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        in_words = ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
        return f"{in_words} {hours}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
