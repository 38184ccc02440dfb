"""python -m bench [--quick] [--pairs N] [--minutes M] [--list] [MEASURE...]; see the package's docstring."""

from __future__ import annotations

import argparse
import asyncio
import math
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import curves, machine, page
from bench.measures import Measure, chosen, load
from bench.record import FULL, QUICK, Pair, Record, Scale, Wrong, check
from bench.sides import Theirs
from bench.watchers import Missing, vmalert_program

DOCS = Path(__file__).parents[1] / "docs"
PAGE, FIGURES, PICTURE = DOCS / "performance.md", DOCS / "growth.json", DOCS / "growth.svg"

AT_ONCE = 8
"""Measures of a quick run that are played beside each other: it looks at no time."""


QUICK_WITHIN_S = 150
"""A measure of a quick run hangs when it takes so long, however busy the machine."""


class Run:
    """One run: what it found so far is on the page, whatever becomes of the rest."""

    def __init__(self, scale: Scale, command: str, *, writes: bool, within_s: float) -> None:
        self._scale = scale
        self._within_s = within_s
        self._command = command
        self._writes = writes
        self._found: dict[str, list[Pair]] = {}
        self._began = time.monotonic()

    async def play_all(self, measures: Sequence[Measure]) -> bool:
        """One after the other; a quick run plays some at once. False when a result was wrong."""
        gate = asyncio.Semaphore(AT_ONCE if self._scale.quick else 1)
        # What draws curves takes longest.
        order = sorted(measures, key=lambda one: not one.called("growth")) if self._scale.quick else measures

        async def in_turn(one: Measure) -> bool:
            async with gate:
                if time.monotonic() - self._began > self._within_s:
                    print(f"{one.name}: left out, the time is over", file=sys.stderr, flush=True)
                    return True
                return await self._play(one)

        return all(await asyncio.gather(*map(in_turn, order)))

    async def _play(self, one: Measure) -> bool:
        """Plays a measure; says what went wrong, and then keeps nothing of it."""
        mine, began = Record(), time.monotonic()
        within_s = QUICK_WITHIN_S if self._scale.quick else one.within_s
        try:
            async with asyncio.timeout(within_s):
                await one.play(mine, self._scale)
            found = mine.pairs.keys() | mine.curves.keys()
            check(found == one.yields, f"it was to fill {sorted(one.yields)}, and filled {sorted(found)}")
        except Wrong as wrong:
            print(f"WRONG: {one.name}: {wrong}", file=sys.stderr, flush=True)
            return False
        except Exception:
            late = f" after {time.monotonic() - began:.0f} s of {within_s:.0f}"
            print(f"WRONG: {one.name}{late}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            return False
        took_s = time.monotonic() - began
        print(f"{one.name}: {took_s:.0f} s", file=sys.stderr, flush=True)
        if mine.pairs:
            print(page.shown(mine.pairs, judged=not self._scale.quick), flush=True)
        self._found |= mine.pairs
        try:
            if self._writes:
                self._write(mine)
        except Exception:  # the measures that are left are worth more than this page
            print(f"NOT WRITTEN: {one.name}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            return False
        return True

    def _write(self, mine: Record) -> None:
        said = machine.run(self._command, self._scale.pairs, time.monotonic() - self._began)
        text = page.made_anew(PAGE.read_text("utf-8"), self._found, said)
        if mine.curves:
            known = curves.read(FIGURES.read_text("utf-8") if FIGURES.exists() else "")
            whole = curves.joined(known, mine.curves)
            made = f"{machine.where()}; {', '.join(machine.versions())}"
            FIGURES.write_text(curves.written(whole, made), "utf-8")
            PICTURE.write_text(curves.picture(whole, made), "utf-8")
            text = page.with_growth(text, curves.rows(whole))
        PAGE.write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays measures beside the real peers; 1 when a result is wrong, never because of a time."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument(
        "measures",
        nargs="*",
        metavar="MEASURE",
        help="of those that --list shows, by its name or by a line that it fills; growth: every curve",
    )
    parser.add_argument("--quick", action="store_true", help="small numbers; the pages are left alone")
    parser.add_argument("--pairs", type=int, metavar="N", help="how often each figure is taken (5)")
    parser.add_argument(
        "--minutes", type=float, metavar="M", default=math.inf, help="after these no measure begins any more"
    )
    parser.add_argument("--no-page", action="store_true", help="print only")
    parser.add_argument("--list", action="store_true", help="say which measures there are")
    given = parser.parse_args(arguments)
    if given.list:
        for one in load().values():
            print(f"{one.name:<18} {', '.join(sorted(one.yields))}")
        return 0
    try:
        measures = chosen(given.measures)
    except LookupError as unknown:
        parser.error(f"no measure {unknown}; there are: {', '.join(load())}")
    try:
        vmalert_program()
        if Theirs.program() is None:
            raise Missing("Alertmanager is not on PATH; `make bench` fetches it")
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    scale = QUICK if given.quick else FULL
    if given.pairs is not None:
        if given.pairs < 1:
            parser.error("--pairs has to be 1 or more")
        scale = replace(scale, pairs=given.pairs)
    command = shlex.join(["python", "-m", "bench", *(sys.argv[1:] if arguments is None else arguments)])
    run = Run(scale, command, writes=not (given.quick or given.no_page), within_s=given.minutes * 60)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended, as by Ctrl-C
    began = time.monotonic()
    try:
        good = asyncio.run(run.play_all(measures))
    except KeyboardInterrupt:
        print("stopped; what was found so far is kept", file=sys.stderr)
        return 130
    ended = "all results are right" if good else "SOME RESULTS ARE WRONG"
    print(f"{ended} ({time.monotonic() - began:.0f} s)", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
