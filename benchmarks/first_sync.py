"""A first sync with coverage, no ceiling on the rate, beside a bare client that fetches the same answers.

    python -m benchmarks.first_sync [--devices 100000] [--concurrency 32]

The bare client uses the same HTTP library and as many connections, reads every answer and writes nothing. Both
ask the same simulated Apple, one after the other; the figure is the ratio of their wall times. The peak memory is
that of the sync's process.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import msgspec
import uvloop

from appleschool_sim.testing import RunningSimulator, fetch_token, running_simulator


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--devices", type=int, default=100_000)
    options.add_argument("--concurrency", type=int, default=32)
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_simulator(devices=chosen.devices, seed=1) as apple,
    ):
        environment = _prepare(apple, Path(folder), chosen.concurrency)
        began = time.perf_counter()
        answers = uvloop.run(_fetch_all(apple, chosen.concurrency))
        bare = time.perf_counter() - began
        synced, peak, numbers = _sync(environment)
    assert numbers["coverage_checked"] == answers == chosen.devices, numbers
    print(f"devices                 {chosen.devices:,}")
    print(f"bare client             {bare:.1f} s ({answers / bare:,.0f} coverage answers/s)")
    print(f"first sync              {synced:.1f} s ({answers / synced:,.0f} coverage answers/s)")
    print(f"ratio                   {synced / bare:.2f} (at most 3)")
    print(f"peak memory of the sync {peak:.0f} MB (at most 300)")
    sys.exit(0 if synced <= 3 * bare and peak < 300 else 1)


async def _fetch_all(apple: RunningSimulator, concurrency: int) -> int:
    headers = {"Authorization": f"Bearer {fetch_token(apple)}", "Accept": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        serials: list[str] = []
        url: str | None = f"{apple.api_url}/orgDevices?limit=1000"
        while url:
            async with session.get(url) as answer:
                page = msgspec.json.decode(await answer.read())
            serials += [record["id"] for record in page["data"]]
            url = page["links"].get("next")
        left = iter(serials)

        async def ask() -> int:
            asked = 0
            for serial in left:
                async with session.get(f"{apple.api_url}/orgDevices/{serial}/appleCareCoverage") as answer:
                    await answer.read()
                asked += 1
            return asked

        return sum(await asyncio.gather(*(ask() for _worker in range(concurrency))))


def _prepare(apple: RunningSimulator, folder: Path, concurrency: int) -> dict[str, str]:
    """An installation whose inventory holds every device of the simulated Apple."""
    environment = os.environ | {
        "HOMEROOM_DATA_DIR": str(folder),
        "HOMEROOM_APPLE_API_URL": apple.api_url,
        "HOMEROOM_APPLE_TOKEN_URL": apple.token_url,
        "HOMEROOM_APPLE_MAX_RATE": "0",
        "HOMEROOM_APPLE_CONCURRENCY": str(concurrency),
        "HOMEROOM_LOG_LEVEL": "WARNING",
    }
    environment.setdefault("HOMEROOM_DATABASE_URL", "")
    file = folder / "devices.csv"
    with file.open("w") as rows:
        rows.write("serial_number,site\n")
        rows.writelines(f"{device.serial},Depot\n" for device in apple.world.devices())
    account = apple.credentials
    for arguments in (
        ["init"],
        ["import", "devices", str(file), "--create-sites"],
        [
            *("apple", "configure", "--name", "District", "--client-id", account.client_id),
            *("--key-id", account.key_id, "--private-key", str(account.private_key_path)),
        ],
    ):
        subprocess.run(
            [sys.executable, "-m", "homeroom", *arguments], env=environment, check=True, capture_output=True
        )
    return environment


def _sync(environment: dict[str, str]) -> tuple[float, float, dict[str, int]]:
    """Wall seconds, peak megabytes and the numbers of one sync in a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "homeroom", "apple", "sync", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    document = process.stdout.read()
    _pid, _status, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return time.perf_counter() - began, used.ru_maxrss / 1024, json.loads(document)


if __name__ == "__main__":
    main()
