"""What is lost, told twice or told late when something breaks."""

from __future__ import annotations

from tests.compat.case import case
from tests.compat.scene import Scene, alert
from tests.compat.setup import Setup, fast

MANY = 50


@case(
    f"{MANY} alerts accepted, kill -9, started again, nothing posted again: how many are lost",
    expect="0 lost",
    theirs=f"{MANY} lost",
    setup=Setup(fast(group_by=["n"], group_wait="3s")),
)
async def _(scene: Scene) -> str:
    await scene.post(*(alert("A", n=str(n)) for n in range(MANY)))
    await scene.peer.kill()
    await scene.peer.start()
    told = await scene.messages(MANY)
    return f"{MANY - len({name for one in told for name in one.names('firing', 'n')})} lost"
