"""Plays many cases at once and shows them side by side.

    python -m tests.compat [-k WORD] [--only hbalert] [--json FILE] [--at-once N]
    python -m tests.compat --page > docs/beside-alertmanager.md

Knows what a failure is: hbalert shows something else than is written down, or both have to agree and do
not. What Alertmanager shows otherwise than written is marked, and told on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compat.case import NO_COUNTERPART, Case, Result, load, play
from tests.compat.peers import Alertmanager, Hbalert, Peer

WIDTHS = (72, 32, 32)
"""Of the three columns; with what is between them, 140 columns hold a line."""

AT_ONCE = 6


@dataclass(frozen=True)
class Line:
    """A case with what came of it; `theirs` is None when it was not played by Alertmanager."""

    case: Case
    ours: Result
    theirs: Result | None

    @property
    def good(self) -> bool:
        """hbalert shows what it has to."""
        agrees = not self.case.agree or self.theirs is None or self.theirs.text == self.ours.text
        return self.ours.good and agrees

    @property
    def as_written(self) -> bool:
        """Alertmanager shows what is written down of it."""
        return self.theirs is None or self.theirs.good


async def play_all(
    cases: Sequence[Case], engines: Sequence[type[Peer]], *, at_once: int = AT_ONCE
) -> list[Line]:
    """Plays each case by each engine, some at once.

    What fails beside others is played again alone, and that result counts: the clock is real, and a
    machine with too much to do is no finding.
    """
    gate = asyncio.Semaphore(at_once)
    plays = [(one, engine) for one in cases for engine in one.engines if engine in engines]
    plays.sort(key=lambda each: -each[0].bound_s)  # those that may take long begin first
    done = 0

    async def one_of_many(one: Case, engine: type[Peer]) -> Result:
        nonlocal done
        async with gate:
            result = await play(one, engine)
        done += 1
        _progress(f"{done}/{len(plays)}", result)
        return result

    results = await asyncio.gather(*(one_of_many(*each) for each in plays))
    found = {(result.case.name, result.engine): result for result in results}
    for key, result in found.items():
        if not result.good:
            found[key] = await play(result.case, result.engine)
            _progress("again", found[key])
    return [Line(one, found[one.name, Hbalert], found.get((one.name, Alertmanager))) for one in cases]


def _progress(count: str, result: Result) -> None:
    verdict = "" if result.good else f"  <- {result.text}  (written: {result.case.wanted_of(result.engine)})"
    print(
        f"{count:>9}  {result.engine.name:<12}  {result.seconds:5.1f} s  {result.case.part}: "
        f"{result.case.name}{verdict}",
        file=sys.stderr,
        flush=True,
    )


def table(lines: Sequence[Line], *, installed: bool) -> str:
    """The table as text."""
    rows = [_row("case", "Alertmanager" if installed else "Alertmanager (not installed)", "hbalert")]
    rows.append("  ".join("-" * width for width in WIDTHS))
    part = ""
    for line in lines:
        if line.case.part != part:
            part = line.case.part
            rows.append(f"[{part}]")
        if line.theirs is not None:
            theirs = line.theirs.text + ("" if line.as_written else " (?)")
        else:
            theirs = NO_COUNTERPART if line.case.theirs == NO_COUNTERPART else ""
        ours = line.ours.text if line.good else f"FAILS: {line.ours.text}; written: {line.case.expect}"
        rows.append(_row(line.case.name, theirs, ours))
    return "\n".join(rows)


def _row(*texts: str) -> str:
    cells = [
        textwrap.wrap(text, width, subsequent_indent="  ") or [""]
        for text, width in zip(texts, WIDTHS, strict=True)
    ]
    height = max(map(len, cells))
    lines = []
    for index in range(height):
        parts = [
            (cell[index] if index < len(cell) else "").ljust(width)
            for cell, width in zip(cells, WIDTHS, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def summary(lines: Sequence[Line]) -> str:
    """How it went, in one or a few sentences."""
    good = sum(line.good for line in lines)
    said = [f"hbalert: {good} of {len(lines)} cases as written."]
    beside = [line for line in lines if line.theirs is not None]
    if beside:
        same = sum(line.ours.text == line.theirs.text for line in beside if line.theirs)
        said.append(f"Beside Alertmanager: {len(beside)}; {same} show the same, {len(beside) - same} do not.")
    said += [f"Not as written of Alertmanager: {line.case.name}" for line in beside if not line.as_written]
    return "\n".join(said)


_HEAD = """\
# Beside Alertmanager

The same scores, played by Alertmanager 0.25 and by hbalert, as processes, in real time: `make compat`.
Made from the cases in `tests/compat/cases` by `make docs`. `make compat` proves every line of it, and
`make test` some.

`+A` tells that alert A fires, `-A` that it ended; ` / ` stands between messages, and a receiver's name
before its messages where there are several. Where both columns hold the same, the two have to agree, and
the run fails if they do not. Where hbalert is meant to be better, its column is bold.
"""


def page(cases: Sequence[Case]) -> str:
    """docs/beside-alertmanager.md."""
    return "\n".join([_HEAD, *_page_rows(cases)]) + "\n"


def _page_rows(cases: Sequence[Case]) -> Iterator[str]:
    part = ""
    for one in cases:
        if one.part != part:
            if part:
                yield ""
            part = one.part
            yield from (
                f"## {part.capitalize()}",
                "",
                "| case | Alertmanager | hbalert |",
                "| --- | --- | --- |",
            )
        if one.theirs is None:
            theirs = ours = f"`{one.expect}`"
        else:
            theirs = "" if one.theirs == NO_COUNTERPART else f"`{one.theirs}`"
            ours = f"**`{one.expect}`**"
        yield f"| {one.name} | {theirs} | {ours} |"


def as_json(lines: Sequence[Line]) -> str:
    """What was seen, for programs."""

    def row(line: Line) -> dict[str, Any]:
        return {
            "part": line.case.part,
            "case": line.case.name,
            "alertmanager": line.theirs.text if line.theirs else None,
            "alertmanager_written": line.case.wanted_of(Alertmanager),
            "hbalert": line.ours.text,
            "hbalert_written": line.case.expect,
            "good": line.good,
        }

    return json.dumps({"schema": 1, "rows": [row(line) for line in lines]}, indent=1, ensure_ascii=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays cases and prints the table; 1 when hbalert fails one."""
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=main.__doc__)
    parser.add_argument("-k", metavar="WORD", default="", help="only cases whose part or name holds it")
    parser.add_argument("--only", choices=["hbalert"], help="leave Alertmanager out")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write what was seen")
    parser.add_argument("--at-once", metavar="N", type=int, default=AT_ONCE, help="so many at once")
    parser.add_argument("--page", action="store_true", help="play nothing; print the page of docs/")
    chosen = parser.parse_args(arguments)
    cases = load()
    if chosen.page:
        sys.stdout.write(page(cases))
        return 0
    word = chosen.k.lower()
    cases = [one for one in cases if word in one.name.lower() or word in one.part]
    installed = Alertmanager.program() is not None and not chosen.only
    if not cases:
        print(f"no case holds {chosen.k!r}", file=sys.stderr)
        return 2
    engines: list[type[Peer]] = [Hbalert, Alertmanager] if installed else [Hbalert]
    lines = asyncio.run(play_all(cases, engines, at_once=chosen.at_once))
    print(table(lines, installed=installed))
    print(summary(lines), file=sys.stderr)
    if chosen.json:
        chosen.json.write_text(as_json(lines), "utf-8")
    return 0 if all(line.good for line in lines) else 1
