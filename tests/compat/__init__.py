"""The compatibility suite: one score, two engines, one table.

Each case is played twice: by hbalert and, where it is installed, by the real Alertmanager. Both are
processes with a configuration made from one description (`setup.py`), both tell one kind of collector on
loopback, and what the collector heard is one short text: `+A / -A` means that a message told that A fires,
and a second one that it ended.

    make compat                       the whole table; docs/beside-alertmanager.md is the same table
    make compat ARGS="-k inhib"       cases whose name or part holds the word
    make compat ARGS="--json FILE"    what was seen, for programs

To add a case, write a function in one of `cases/*.py`:

    @case("A second alert of a group waits for the group interval", expect="+A / +A +B")
    async def _(scene: Scene) -> str:
        await scene.post(alert("A"))
        await scene.messages(1)
        await scene.post(alert("B"))
        await scene.messages(2)
        return await scene.story()

`expect` is what hbalert has to show. Alertmanager has to show the same, unless `theirs` says what it
shows instead: then ours is meant to be the better one, or has no counterpart there. Texts are written
down, not recorded, so that the page in docs/ can be compared without a run.

Read `setup.py`, `collector.py`, `peers.py`, `scene.py`, `case.py`, `table.py` in this order.
"""
