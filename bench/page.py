"""docs/performance.md: the table of what was measured, rewritten row by row.

Knows the page's form. A run of some measures leaves the other rows, and the words around the table, as
they are: the page is its own memory.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence

from bench.budgets import LINES, Line
from bench.record import Pair, median

BEGIN, END = "<!-- made by make bench: begin -->", "<!-- end -->"

_HEAD = (
    "| | what | unit | hbalert | base | against | ratio: median [range] | pairs | budget | aim | |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def figure(number: float) -> str:
    """Three digits that count."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def ratio(pairs: Sequence[Pair]) -> str:
    ratios = [pair.ratio for pair in pairs]
    return f"{median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"


def verdict(line: Line, pairs: Sequence[Pair]) -> str:
    """How the median stands to budget and aim."""
    found = median([pair.ratio for pair in pairs])
    if line.aim is not None and found <= line.aim:
        return "aim met"
    if line.budget is None:
        return "" if line.aim is None else "aim missed"
    return "met" if found <= line.budget else "**missed**"


def row(line: Line, pairs: Sequence[Pair]) -> str:
    bounds = ["" if bound is None else f"{bound:.2g}" for bound in (line.budget, line.aim)]
    cells = (
        *(f"`{line.name}`", line.what, line.unit),
        *(figure(median([pair.ours for pair in pairs])), figure(median([pair.base for pair in pairs]))),
        *(line.base, ratio(pairs), str(len(pairs)), *bounds, verdict(line, pairs)),
    )
    return f"| {' | '.join(cells)} |"


def known_rows(page: str) -> dict[str, str]:
    """The rows of a page by the name of their line."""
    rows = (text for text in page.splitlines() if text.startswith("| `"))
    return {text.split("`")[1]: text for text in rows}


def made_anew(page: str, found: Mapping[str, Sequence[Pair]]) -> str:
    """The page with the rows of what was measured now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = {**known_rows(page), **{name: row(LINES[name], pairs) for name, pairs in found.items()}}
    table = "\n".join([_HEAD, *(rows[name] for name in LINES if name in rows)])
    return f"{before}{BEGIN}\n{table}\n\n{machine()}\n{END}{after}"


def machine() -> str:
    """Where the last run was, in neutral words."""
    return (
        f"The last run: {os.cpu_count()} cores ({platform.machine()}), {platform.system()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version};"
        f" load average at its end {os.getloadavg()[2]:.1f}."
    )


def shown(found: Mapping[str, Sequence[Pair]], *, judged: bool) -> str:
    """The same for a terminal; small numbers are not judged."""
    lines = []
    for name, pairs in found.items():
        line = LINES[name]
        ours, base = median([pair.ours for pair in pairs]), median([pair.base for pair in pairs])
        figures = f"{name:<20} {figure(ours):>8} / {figure(base):>8} {line.unit:<16}"
        lines.append(f"{figures} {ratio(pairs):<22} {verdict(line, pairs).strip('*')}" if judged else figures)
    return "\n".join(lines)
