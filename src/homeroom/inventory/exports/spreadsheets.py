"""How text is kept from becoming a formula when a spreadsheet opens a CSV file, and how it is read back."""

import re

# Full-width signs start formulas too, and white space before a sign doesn't stop every program.
_LOOKS_LIKE_A_FORMULA = re.compile(r"[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def guarded(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would calculate; plain numbers stay numbers.

    Text that already begins with apostrophes before such a sign gets one more, so that `unguarded` is exact.
    """
    if _LOOKS_LIKE_A_FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text.strip()):
        return "'" + text
    return text


def unguarded(text: str) -> str:
    """Take back what `guarded` added."""
    if text.startswith("'") and _LOOKS_LIKE_A_FORMULA.match(text):
        return text[1:]
    return text
