"""Write docs/configuration.md from the descriptions of the settings; with --check, only say whether it is fresh."""

import sys
from pathlib import Path

from homeroom.config.configuration import Configuration

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
HEAD = """# Configuration

Homeroom is configured by environment variables, or by the same lines in a file `.env` in the folder it is started in.
Every setting has a default: `homeroom init` works in an empty folder. A wrong value is named at start.

| variable | default | what it does |
| --- | --- | --- |
"""


def page() -> str:
    rows = [
        f"| `HOMEROOM_{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in Configuration.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def _shown(default: object) -> str:
    match default:
        case "" | ():
            return "empty"
        case bool():
            return f"`{str(default).lower()}`"
        case float() if default.is_integer():
            return f"`{int(default)}`"
        case _:
            return f"`{default}`"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(
            0 if PAGE.exists() and PAGE.read_text() == page() else "docs/configuration.md is stale: make fmt"
        )
    PAGE.write_text(page())
