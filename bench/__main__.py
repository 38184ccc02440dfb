"""python -m bench [--quick] [--pairs N] [MEASURE...]; see the package's docstring."""

from __future__ import annotations

import argparse
import asyncio
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.measures import Measure, load
from bench.page import made_anew, shown
from bench.record import FULL, QUICK, Record, Scale, Wrong
from bench.sides import Theirs
from bench.watchers import Missing, vmalert_program

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

AT_ONCE = 3
"""Measures of a quick run that are played beside each other: it looks at no time."""


async def play(name: str, one: Measure, record: Record, scale: Scale) -> bool:
    """Plays a measure; says what went wrong, and then keeps nothing of it."""
    mine = Record()
    try:
        await one(mine, scale)
    except Wrong as wrong:
        print(f"WRONG: {name}: {wrong}", file=sys.stderr, flush=True)
        return False
    except Exception:
        print(f"WRONG: {name}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        return False
    record.pairs |= mine.pairs
    print(shown(mine.pairs, judged=not scale.quick), flush=True)
    return True


async def play_all(chosen: dict[str, Measure], record: Record, scale: Scale) -> bool:
    """One after the other; a quick run plays some at once."""
    gate = asyncio.Semaphore(AT_ONCE if scale.quick else 1)

    async def in_turn(name: str, one: Measure) -> bool:
        async with gate:
            return await play(name, one, record, scale)

    return all(await asyncio.gather(*(in_turn(name, one) for name, one in chosen.items())))


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays measures beside the real peers; 1 when a result is wrong, never because of a time."""
    measures = load()
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"some of: {', '.join(measures)}")
    parser.add_argument("--quick", action="store_true", help="small numbers; the page is left alone")
    parser.add_argument("--pairs", type=int, metavar="N", help="how often each figure is taken")
    parser.add_argument("--no-page", action="store_true", help="print only")
    given = parser.parse_args(arguments)
    unknown = set(given.measures) - measures.keys()
    if unknown:
        parser.error(f"no measure {', '.join(sorted(unknown))}; there are: {', '.join(measures)}")
    try:
        vmalert_program()
        if Theirs.program() is None:
            raise Missing("Alertmanager is not on PATH; `make bench` fetches it")
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    scale = QUICK if given.quick else FULL
    if given.pairs:
        scale = replace(scale, pairs=given.pairs)
    chosen = {name: one for name, one in measures.items() if not given.measures or name in given.measures}
    record = Record()
    good = asyncio.run(play_all(chosen, record, scale))
    if record.pairs and not given.quick and not given.no_page:
        PAGE.write_text(made_anew(PAGE.read_text("utf-8"), record.pairs), "utf-8")
    print("all results are right" if good else "SOME RESULTS ARE WRONG", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
