"""What it takes when nothing happens, and to start."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

import aiohttp

from bench.measures import measure
from bench.process import cpu_s, resident_mib
from bench.record import Record, Scale, check
from bench.rulepack import metrics
from bench.sides import Theirs, running
from bench.watchers import hbalert, hbalert_command, prometheus, vmalert
from tests.compat.setup import Setup
from tests.fakes.prometheus import serving

RULES = 50


@measure
async def footprint(record: Record, scale: Scale) -> None:
    """hbalert with 50 rules; Alertmanager and vmalert do the same work together. Each time new ones."""
    interval_s, watched_s = (1, 3) if scale.quick else (15, 30)
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serving())
        target.text = metrics(RULES, 10_000)
        source = await stack.enter_async_context(prometheus(target.address, interval_s))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for _ in range(min(3, scale.pairs)):
            async with hbalert(source.url, interval_s, RULES) as ours:
                record.pair("ready", cpu_s(ours.peer.pid) * 1e3, 500)
                async with running(Theirs, Setup()) as theirs, vmalert(source.url, interval_s, RULES) as vm:
                    await asyncio.sleep(watched_s / 3)
                    before = cpu_s(ours.peer.pid)
                    await asyncio.sleep(watched_s)
                    used = cpu_s(ours.peer.pid) - before
                    record.pair("idle-cpu", used / watched_s * 100, 1)
                    record.pair("idle-memory", ours.memory_mib(), 70)
                    peers_mib = theirs.memory_mib() + resident_mib(vm.pid)
                    record.pair("idle-memory-peers", ours.memory_mib(), peers_mib)
                async with session.get(f"{ours.peer.url}/api/v1/rules") as answer:
                    groups = (await answer.json())["data"]["groups"]
                healthy = [rule["health"] for group in groups for rule in group["rules"]]
                check(healthy == ["ok"] * RULES, f"rules are {sorted(set(healthy))}, {len(healthy)} of them")
        for _ in range(scale.pairs):
            record.pair("help", await asyncio.to_thread(_cpu_of_help) * 1e3, 100)


def _cpu_of_help() -> float:
    """CPU seconds of `hbalert --help`, which must print its verbs."""
    command = hbalert_command("--help")
    reading, writing = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    os.close(writing)
    with os.fdopen(reading) as output:
        said = output.read()
    _, status, usage = os.wait4(pid, 0)
    check(status == 0 and "silence" in said, f"--help: {status} {said[:200]}")
    return usage.ru_utime + usage.ru_stime
