"""What it takes when nothing happens, and to start."""

from __future__ import annotations

import asyncio
import compileall
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path

import hbalert as package
from bench.measures import measure
from bench.process import Used, cpu_s, resident_mib
from bench.record import Record, Scale, check
from bench.rulepack import metrics
from bench.sides import Side, Theirs, running
from bench.watchers import hbalert, hbalert_command, prometheus, vmalert
from tests.compat.setup import Setup
from tests.fakes.prometheus import serving

RULES = 50


@measure("ready", "ready-cpu", "ready-peers", "idle-cpu", "idle-memory", "idle-memory-peers")
async def footprint(record: Record, scale: Scale) -> None:
    """hbalert with 50 rules; Alertmanager and vmalert do the same work together. Each time new ones."""
    interval_s, watched_s = (1, 2) if scale.quick else (15, 20)
    await asyncio.to_thread(_compile)
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serving())
        target.text = metrics(RULES, 10_000)
        source = await stack.enter_async_context(prometheus(target.address, interval_s))
        for _ in range(scale.at_most(3)):
            async with hbalert(source.url, interval_s, RULES) as ours:
                record.pair("ready", ours.ready_s * 1e3, 500)
                record.pair("ready-cpu", cpu_s(ours.peer.pid) * 1e3, 500)
                async with running(Theirs, Setup()) as theirs, vmalert(source.url, interval_s, RULES) as vm:
                    record.pair("ready-peers", ours.ready_s * 1e3, (theirs.ready_s + vm.ready_s) * 1e3)
                    await asyncio.sleep(watched_s / 3)
                    before = cpu_s(ours.peer.pid)
                    await asyncio.sleep(watched_s)
                    used = cpu_s(ours.peer.pid) - before
                    record.pair("idle-cpu", used / watched_s * 100, 1)
                    record.pair("idle-memory", ours.memory_mib(), 70)
                    peers_mib = theirs.memory_mib() + resident_mib(vm.pid)
                    record.pair("idle-memory-peers", ours.memory_mib(), peers_mib)
                await _healthy(ours, 30 + 2 * interval_s)


def _compile() -> None:
    """Writes byte code, as an installer does: a tree just edited may be compiled anew at each start."""
    compileall.compile_dir(Path(package.__file__).parent, quiet=2)


async def _healthy(side: Side, within_s: float) -> None:
    """Waits until every rule was evaluated well."""
    deadline = time.monotonic() + within_s
    while True:
        groups = (await side.get("/api/v1/rules"))["data"]["groups"]
        healthy = [rule["health"] for group in groups for rule in group["rules"]]
        if healthy == ["ok"] * RULES:
            return
        late = time.monotonic() > deadline
        check(not late, f"rules are {sorted(set(healthy))}, {len(healthy)} of them")
        await asyncio.sleep(0.2)


@measure("help", "help-cpu")
async def help_text(record: Record, scale: Scale) -> None:
    """The first time nobody looks: the file cache gets warm."""
    await asyncio.to_thread(_compile)
    await asyncio.to_thread(_help)
    for _ in range(scale.pairs):
        used = await asyncio.to_thread(_help) * 1e3
        record.pair("help", used.wall, 100)
        record.pair("help-cpu", used.cpu, 100)


def _help() -> Used:
    """Seconds that `hbalert --help` takes, which must print its verbs."""
    command = hbalert_command("--help")
    reading, writing = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)]
    begun = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    os.close(writing)
    with os.fdopen(reading) as output:
        said = output.read()
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - begun
    check(status == 0 and "silence" in said, f"--help: {status} {said[:200]}")
    return Used(usage.ru_utime + usage.ru_stime, wall)
