"""Refuse what must not be committed: names of package registries' hosts, paths of a machine, download addresses."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = re.compile(
    "|".join(
        (
            r"files\.python" + r"hosted\.org",
            r"\bpypi\." + r"org\b",
            r"registry\.npm" + r"js\.org",
            r"\bdeb\.debian" + r"\.org",
            r"--index" + r"-url\s+http",
            r'"resolved"' + r":",
            re.escape(str(ROOT) + "/"),
        )
    )
)


def main() -> int:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    found = 0
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".ico"}:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if FORBIDDEN.search(line):
                print(f"{name}:{number}: {line.strip()[:100]}", file=sys.stderr)
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
