"""Silences: who is kept quiet, until when, and what is told afterwards."""

from __future__ import annotations

from tests.compat.case import case
from tests.compat.scene import Scene, alert


@case("A silence that is there before the first flush keeps its alert quiet", expect="+B", quick=True)
async def _(scene: Scene) -> str:
    await scene.silence("alertname=A")
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    return await scene.story()


@case(
    "An alert told, then silenced, then ended: its end is told",
    expect="+A / -A",
    theirs="+A",
    quick=True,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.silence("alertname=A")
    await scene.end(alert("A"))
    await scene.messages(2, within_s=5)
    return await scene.story()
