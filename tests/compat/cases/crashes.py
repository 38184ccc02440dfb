"""What kill -9, a restart, a damaged file and a full disk leave behind. Nothing is posted again unless the
name says so."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compat.case import Seen, case
from tests.compat.peers import Hbalert, Peer
from tests.compat.scene import Posted, Scene, alert, ended
from tests.compat.setup import Setup, fast

EACH_ALONE = fast(group_by=["n"])
MANY, SOME = 50, 20


def numbered(count: int) -> list[Posted]:
    return [alert("A", n=str(n)) for n in range(count)]


def told(scene: Scene, status: str) -> list[str]:
    return [name for message in scene.collector.messages for name in message.names(status, "n")]


@case(
    f"{MANY} alerts accepted, kill -9, started again, nothing posted again: how many are lost",
    expect="0 lost",
    theirs=f"{MANY} lost",
    setup=Setup(fast(group_by=["n"], group_wait="3s")),
)
async def _(scene: Scene) -> str:
    await scene.post(*numbered(MANY))
    await scene.peer.kill()
    await scene.peer.start()
    await scene.messages(MANY)
    return f"{MANY - len(set(told(scene, 'firing')))} lost"


@case(
    f"{SOME} silences made, kill -9, started again, what they match fires: how many are told",
    expect="0 told",
    theirs=f"{SOME} told",
    setup=Setup(EACH_ALONE),
    quick=True,
)
async def _(scene: Scene) -> str:
    await asyncio.gather(*(scene.silence(f"n={n}") for n in range(SOME)))
    await scene.peer.kill()
    await scene.peer.start()
    await scene.post(*numbered(SOME))
    await scene.messages(SOME, within_s=4)
    return f"{len(told(scene, 'firing'))} told"


@case(
    f"{SOME} groups told, kill -9, started again, all posted again: how many are told twice",
    expect="0 twice",
    theirs=f"{SOME} twice",
    setup=Setup(EACH_ALONE),
)
async def _(scene: Scene) -> str:
    await scene.post(*numbered(SOME))
    await scene.messages(SOME)
    await scene.wait(1)  # the commit of the last answer: between the two a kill may tell twice
    await scene.peer.kill()
    await scene.peer.start()
    await scene.post(*numbered(SOME))
    await scene.messages(2 * SOME, within_s=4)
    heard = told(scene, "firing")
    return f"{len(heard) - len(set(heard))} twice"


@case(
    f"{SOME} told, their ends accepted, kill -9 at once, started again: how many ends are told",
    expect=f"{SOME} ends, none twice",
    theirs="0 ends, none twice",
    setup=Setup(fast(group_by=["n"], group_interval="4s")),
)
async def _(scene: Scene) -> str:
    await scene.post(*numbered(SOME))
    await scene.messages(SOME)
    await scene.post(*map(ended, numbered(SOME)))
    await scene.peer.kill()
    await scene.peer.start()
    await scene.messages(2 * SOME)
    return ends(scene)


@case(
    f"{SOME} told, stopped, their time passes meanwhile, started again: how many ends are told",
    expect=f"{SOME} ends, none twice",
    theirs="0 ends, none twice",
    setup=Setup(EACH_ALONE, resolve_timeout="3s"),
)
async def _(scene: Scene) -> str:
    await scene.post(*numbered(SOME))
    await scene.messages(SOME)
    await scene.peer.stop()
    await scene.wait(3)
    await scene.peer.start()
    await scene.messages(2 * SOME, within_s=12)
    return ends(scene)


def ends(scene: Scene) -> str:
    heard = told(scene, "resolved")
    twice = len(heard) - len(set(heard))
    return f"{len(set(heard))} ends, {twice or 'none'} twice"


# --- damage -------------------------------------------------------------------------------------


def state_files(peer: Peer) -> list[Path]:
    """What an engine keeps on the disk."""
    if isinstance(peer, Hbalert):
        return [
            path for path in peer.folder.glob("hbalert.db*") if path.name in ("hbalert.db", "hbalert.db-wal")
        ]
    return [path for path in (peer.folder / "store").iterdir() if path.is_file()]


async def damaged(scene: Scene, harm: str) -> str:
    """A is told and B silenced; then the files are harmed. What is left of both?"""
    await scene.silence("alertname=B")
    await scene.post(alert("A", lives_s=600))
    await scene.messages(1)
    await scene.wait(1)
    await scene.peer.stop()
    for path in state_files(scene.peer):
        content = bytearray(path.read_bytes())
        if harm == "cut":
            content = content[: len(content) * 9 // 10]
        elif content:
            content[0] ^= 0x10
        path.write_bytes(content)
    try:
        await scene.peer.start()
    except AssertionError:
        return "does not start"
    await scene.post(alert("A", lives_s=600), alert("C"))
    within = await scene.messages(2, within_s=8)
    if not any("C" in message.names("firing") for message in within):
        return "starts, and tells nobody"
    if not isinstance(scene.peer, Hbalert):
        return "starts, and tells what is new"
    return (
        "starts, and tells what is new; says so"
        if "store_repaired" in scene.peer.log.read_text()
        else ("starts, and tells what is new")
    )


@case(
    "The state is cut off at nine tenths",
    expect="starts, and tells what is new; says so",
    theirs="does not start",
)
async def _(scene: Scene) -> str:
    return await damaged(scene, "cut")


@case(
    "One bit of the first byte of each file of the state is another",
    expect="starts, and tells what is new; says so",
    theirs="does not start",
)
async def _(scene: Scene) -> str:
    return await damaged(scene, "first bit")


# --- a full disk --------------------------------------------------------------------------------


@contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """A file system of its own; False where nobody may make one."""
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "hbalert-compat", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    file = place / "filling"
    with file.open("wb") as out:
        try:
            while True:
                out.write(bytes(65536))
                out.flush()
        except OSError:
            pass
    return file


@case(
    "The disk is full: what new posts are answered, whether A's end is told, what kill -9 costs then",
    expect="503; told; 0 lost",
    theirs="200; told; 60 lost",
    setup=Setup(fast(group_by=["n"]), ours={"storage": {"url": "sqlite:///store/hbalert.db"}}),
    bound_s=90,
)
async def _(scene: Scene) -> str | Seen:
    peer = scene.peer
    await peer.stop()
    with small_disk(peer.folder / "store") as mounted:
        if not mounted:
            return Seen("not tried: nobody may mount a small disk here", True)
        await peer.start()
        await scene.post(alert("A", n="a", lives_s=600))
        await scene.messages(1)
        filling = fill(peer.folder / "store")
        accepted, answer = await until_refused(scene)
        await scene.post(ended(alert("A", n="a")))
        await scene.collector.arrived(lambda: "a" in told(scene, "resolved"), 15)
        how = "told" if "a" in told(scene, "resolved") else "not told"
        await peer.kill()
        filling.unlink()
        before = set(told(scene, "firing"))
        await peer.start()
        await scene.collector.arrived(lambda: accepted <= set(told(scene, "firing")), 10)
        missing = [n for n in accepted if n not in before and n not in told(scene, "firing")]
        gone = await unknown(scene, accepted)
        await peer.stop()
    return f"{answer}; {how}; {len(gone | set(missing))} lost"


async def until_refused(scene: Scene) -> tuple[set[str], int]:
    """Posts large alerts until one is refused, or sixty are taken: those that were, and the last answer."""
    accepted: set[str] = set()
    status = 0
    for n in range(60):
        large = alert("A", n=str(n), lives_s=600, annotations={"text": "x" * 60_000})
        status, _ = await scene.ask("POST", "/api/v2/alerts", [large])
        if status != 200:
            break
        accepted.add(str(n))
    return accepted, status


async def unknown(scene: Scene, names: set[str]) -> set[str]:
    """Which of them the engine knows nothing of."""
    _, alerts = await scene.ask("GET", "/api/v2/alerts")
    return names - {one["labels"]["n"] for one in alerts}
