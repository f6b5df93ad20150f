"""Every benchmark, one after the other: `make bench`."""

import subprocess
import sys

MODULES = (
    "benchmarks.simulator_rate",
    "benchmarks.first_sync",
    "benchmarks.matching_replacements",
    "benchmarks.pages",
)

if __name__ == "__main__":
    failed = []
    for module in MODULES:
        print(f"\n{module}", flush=True)
        if subprocess.run([sys.executable, "-m", module], check=False).returncode:
            failed.append(module)
    sys.exit(f"Missed: {', '.join(failed)}" if failed else 0)
