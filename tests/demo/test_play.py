"""The demo as a newcomer runs it: a process of its own, a real Prometheus, real signals."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hbalert.clock import SystemClock
from hbalert.demo.bots import Story
from hbalert.demo.narrator import Narrator
from hbalert.demo.play import Play
from tests.programs.test_prometheus import gone

READY = "hbalert is ready"


@asynccontextmanager
async def demo(tmp_path: Path, *arguments: str, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`hbalert demo`, with its temporary folder below tmp_path. Killed if a test leaves it running."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hbalert", "demo", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1", **env},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(process: asyncio.subprocess.Process, text: str) -> None:
    """Reads what it prints until a line has this text."""
    assert process.stdout is not None
    seen = []
    while line := (await process.stdout.readline()).decode():
        seen.append(line)
        if text in line:
            return
    pytest.fail(f"it ended before it said {text!r}:\n{''.join(seen)}")


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended while we looked
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.prometheus
@pytest.mark.slow
async def test_all_three_channels_hear_of_an_alert_within_60_seconds_and_of_its_end(tmp_path: Path) -> None:
    async with demo(tmp_path, "--once") as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    for channel, proof in (("DingTalk", "signature"), ("SMS", "signature"), ("Email", "login")):
        row = re.search(rf"^{channel} +after (\S+) s +after (\S+) s +(\d+) +{proof} verified$", said, re.M)
        assert row is not None, said
        first, resolve = float(row[1]), float(row[2])
        assert 0 < first < 60
        assert first < resolve
    assert "alpha" not in re.sub(r".*three bots at.*", "", said), "the healthy bot was accused"
    assert "failed " not in said
    assert "\x1b" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.prometheus
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_leaves_no_process_and_no_folder_behind(tmp_path: Path, number: int) -> None:
    async with demo(tmp_path) as process:
        await until(process, READY)
        started = children(process.pid)
        assert len(started) == 2, "Prometheus and the daemon"
        process.send_signal(number)
        await process.communicate()
    assert process.returncode == 128 + number, "nobody had been told yet"
    assert [await gone(pid) for pid in started] == [True, True]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.prometheus
async def test_a_signal_while_things_start_leaves_nothing_behind_either(tmp_path: Path) -> None:
    async with demo(tmp_path) as process:
        await until(process, "three bots")
        process.send_signal(signal.SIGINT)
        said = (await process.communicate())[0].decode()
    assert process.returncode == 128 + signal.SIGINT
    assert "Traceback" not in said
    assert children(process.pid) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.prometheus
async def test_a_second_signal_ends_it_at_once_and_still_leaves_nothing_behind(tmp_path: Path) -> None:
    async with demo(tmp_path) as process:
        await until(process, READY)
        started = children(process.pid)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        said = (await process.communicate())[0].decode()
    assert "Traceback" not in said
    assert [await gone(pid) for pid in started] == [True, True]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.prometheus
async def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path) -> None:
    """It has no chance to clean up; the kernel ends its programs."""
    async with demo(tmp_path) as process:
        await until(process, READY)
        started = children(process.pid)
        process.kill()
        await process.wait()
    assert [await gone(pid) for pid in started] == [True, True]


async def test_without_prometheus_it_says_what_to_do(tmp_path: Path) -> None:
    async with demo(tmp_path, HBALERT_PROMETHEUS=str(tmp_path / "nothing")) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 1
    assert "HBALERT_PROMETHEUS names" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.prometheus
async def test_a_duration_ends_it_and_an_unreached_channel_is_a_failure(tmp_path: Path) -> None:
    async with demo(tmp_path, "--duration", "1") as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 1
    assert re.search(r"^SMS +never +never +0", said, re.M)


@pytest.mark.parametrize(
    ("labels", "over"),
    [
        pytest.param({"bot": "bravo", "alertname": "HummingbotSilent"}, False, id="a bot's: not over"),
        pytest.param({"source": "hbalert", "alertname": "HbalertEvaluationMissed"}, True, id="its own: over"),
    ],
)
def test_what_hbalert_tells_of_itself_keeps_no_demo_from_its_end(labels: dict[str, str], over: bool) -> None:
    out = io.StringIO()
    play = Play(Narrator(out, SystemClock(), colour=False), SystemClock(), Story())
    for heard in play.heard.values():
        heard.note(1, resolved=False)
        heard.note(2, resolved=True)
    row = {"fingerprint": "c8af02ffd2a36481", "state": "active", "labels": labels, "annotations": {}}
    play.note_alerts({}, [row])
    play.note_attempt({"notifier": "ops_log", "group": "g", "result": "sent", "status": "firing"})
    assert (labels["alertname"] in out.getvalue(), play.all_resolved) == (True, over)
