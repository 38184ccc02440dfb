"""A Prometheus of our own, and that no program outlives us."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hbalert.clock import SystemClock
from hbalert.demo.bots import Story, scrape_config, serve
from hbalert.outbound import open_client, request
from hbalert.programs import child
from hbalert.programs.prometheus import NoPrometheus, Prometheus, find_prometheus

SECOND = timedelta(seconds=5)


async def gone(pid: int) -> bool:
    """Whether the process ends within ten seconds."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.prometheus
async def test_a_real_prometheus_scrapes_all_three_bots_and_ends_with_us(tmp_path: Path) -> None:
    async with (
        serve(SystemClock(), Story()) as (address, _),
        Prometheus(scrape_config(address), tmp_path) as prometheus,
        open_client() as client,
    ):
        up = ""
        for _ in range(100):
            reply = await request(
                client, "GET", f"{prometheus.url}/api/v1/query?query=sum(up)", timeout=SECOND
            )
            up = reply.text
            if ',"3"]' in up:
                break
            await asyncio.sleep(0.1)
        assert ',"3"]' in up
        pid = prometheus.pid
    assert await gone(pid)


@pytest.mark.prometheus
async def test_a_configuration_prometheus_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(NoPrometheus, match=r"does not start:(.|\n)*yaml"):
        async with Prometheus("no: [such", tmp_path):
            pytest.fail("it started")


def test_a_wrong_name_in_the_environment_is_told_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HBALERT_PROMETHEUS", str(tmp_path / "nothing"))
    with pytest.raises(NoPrometheus, match="HBALERT_PROMETHEUS names"):
        find_prometheus()


async def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """The parent has no chance to clean up: the kernel does it."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"""
import asyncio, sys
from pathlib import Path
from hbalert.programs import child

async def main():
    one = await child.start("sleep", "600", log=Path({str(tmp_path / "log")!r}))
    print(one.pid, flush=True)
    await one.wait()

asyncio.run(main())
""",
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    assert await gone(pid)


async def test_stopping_ends_the_whole_process_group_even_when_it_will_not_listen(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 600 & echo $!; wait; sleep 600"
    stubborn = await child.start("sh", "-c", script, log=tmp_path / "log")
    for _ in range(100):
        if (tmp_path / "log").read_text().strip():
            break
        await asyncio.sleep(0.05)
    grandchild = int((tmp_path / "log").read_text())
    await stubborn.stop(grace=0.2)
    assert stubborn.ended
    assert await stubborn.wait() == -signal.SIGKILL
    assert await gone(grandchild)
