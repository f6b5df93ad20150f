"""How many answers a second the simulated Apple gives on one core.

    python benchmarks/simulator_rate.py [--devices 100000] [--seconds 5] [--connections 8]

The simulator runs in a process of its own; this process asks over keep-alive connections with as little
work of its own as it can. Besides the rate on the wall clock it prints the rate by the simulator's CPU time,
which stays true on a busy machine.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from appleschool_sim.testing import RunningSimulator, fetch_token, running_simulator


async def ask(host: str, port: int, requests: Iterator[bytes], until: float) -> int:
    """Send one request after another over one connection; returns how many were answered."""
    reader, writer = await asyncio.open_connection(host, port)
    answered = 0
    while time.perf_counter() < until:
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        answered += 1
    writer.close()
    await writer.wait_closed()
    return answered


async def load(address: str, paths: list[str], token: str, *, connections: int, seconds: float) -> int:
    place = urlsplit(address)
    head = f"Host: {place.netloc}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    requests = cycle([f"GET {path} HTTP/1.1\r\n{head}".encode() for path in paths])
    until = time.perf_counter() + seconds
    asking = [ask(place.hostname or "", place.port or 0, requests, until) for _ in range(connections)]
    return sum(await asyncio.gather(*asking))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(simulator: RunningSimulator, name: str, paths: list[str], arguments: argparse.Namespace) -> None:
    token = fetch_token(simulator)
    burned, began = cpu_seconds(simulator.pid), time.perf_counter()
    answered = uvloop.run(
        load(
            simulator.address,
            paths,
            token,
            connections=arguments.connections,
            seconds=arguments.seconds,
        )
    )
    took, burned = time.perf_counter() - began, cpu_seconds(simulator.pid) - burned
    print(f"{name}: {answered / took:,.0f}/s ({answered / burned:,.0f} for each second of its CPU time)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    with running_simulator(devices=arguments.devices) as simulator:
        serials = [simulator.world.serial_at(index) for index in range(min(arguments.devices, 20_000))]
        coverage = [f"/v1/orgDevices/{serial}/appleCareCoverage" for serial in serials]
        measure(simulator, "coverage answers", coverage, arguments)
        measure(simulator, "pages of 1000 devices", ["/v1/orgDevices?limit=1000"], arguments)


if __name__ == "__main__":
    main()
