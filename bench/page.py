"""docs/performance.md: the tables of what was measured, rewritten row by row.

Knows the page's form. A run of some measures leaves the other rows, and the words around the tables, as
they are: the page is its own memory. Next: `__main__.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.budgets import LINES, Line
from bench.chart import figure
from bench.record import Pair, median

BEGIN, END = "<!-- made by make bench: begin -->", "<!-- end -->"
GROWTH_BEGIN, GROWTH_END = "<!-- made by make bench-growth: begin -->", "<!-- end of growth -->"

_HEAD = (
    "| | what | unit | hbalert | base | against | ratio: median [range] | pairs | budget | aim | |"
    " waited: hbalert / base |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


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


def waited(line: Line, pairs: Sequence[Pair]) -> str:
    """Medians of how long one waited for the same, in the unit of the line; empty where nobody does."""
    walls = [pair.walls for pair in pairs if pair.walls is not None]
    if not walls:
        return ""
    ours, base = (median([wall[side] for wall in walls]) for side in (0, 1))
    return f"{figure(ours)} / {figure(base)} {line.unit.replace(' CPU', '')}"


def row(line: Line, pairs: Sequence[Pair]) -> str:
    bounds = ["" if bound is None else f"{bound:.2g}" for bound in (line.budget, line.aim)]
    cells = (
        *(f"`{line.name}`", line.what, line.unit),
        *(figure(median([pair.ours for pair in pairs])), figure(median([pair.base for pair in pairs]))),
        *(line.base, ratio(pairs), str(len(pairs)), *bounds, verdict(line, pairs), waited(line, pairs)),
    )
    return f"| {' | '.join(cells)} |"


def known_rows(page: str) -> dict[str, str]:
    """The rows of a page by the name of their line."""
    rows = (text for text in page.splitlines() if text.startswith("| `"))
    return {text.split("`")[1]: text for text in rows}


def made_anew(page: str, found: Mapping[str, Sequence[Pair]], run: str) -> str:
    """The page with the rows of what was measured now; `run` says when, where and how."""
    rows = {**known_rows(page), **{name: row(LINES[name], pairs) for name, pairs in found.items()}}
    table = "\n".join([_HEAD, *(rows[name] for name in LINES if name in rows)])
    return _between(page, BEGIN, END, f"{table}\n\n{run}")


def with_growth(page: str, rows: Iterable[str]) -> str:
    """The page with the figures of the curves."""
    return _between(page, GROWTH_BEGIN, GROWTH_END, "\n".join(rows))


def _between(page: str, begin: str, end: str, text: str) -> str:
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise LookupError(f"docs/performance.md lacks {begin} or {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def shown(found: Mapping[str, Sequence[Pair]], *, judged: bool) -> str:
    """The same for a terminal; small numbers are not judged."""
    lines = []
    for name, pairs in found.items():
        line = LINES[name]
        ours, base = median([pair.ours for pair in pairs]), median([pair.base for pair in pairs])
        figures = f"{name:<20} {figure(ours):>8} / {figure(base):>8} {line.unit:<16}"
        judgement = f" {ratio(pairs):<22} {verdict(line, pairs).strip('*')}" if judged else ""
        lines.append((figures + judgement).rstrip())
    return "\n".join(lines)
