"""docs/beside-prometheus.md: every row with its cases, of what is expected or of what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.beside_prometheus.cases import Case
from tests.beside_prometheus.play import CHAPTERS
from tests.beside_prometheus.restarts import CASE
from tests.beside_prometheus.rows import ALONE, LEFT_OUT, ROWS, Alone

Pair = tuple[Sequence[str], Sequence[str]]
"""What Prometheus showed of a case, and what hbalert did, phase by phase."""

PLAYED: Sequence[Case] = (*(case for chapter in CHAPTERS for case in chapter.cases), CASE)

HEAD = """# Beside Prometheus

The same rules on the same data, evaluated by Prometheus 2.42 itself and by hbalert: processes, in real time.
`make test` plays them, and kills once; `make compat-prometheus` kills more often, and prints what it saw.
The cases are in `tests/beside_prometheus/`; `make docs` writes this page from them.

Where both columns hold the same, the two have to agree, and the run fails if they do not.
Where hbalert is meant to be better, its column is bold.
What Prometheus cannot play says why, and names the tests that show it on hbalert alone.

A cell tells what `/api/v1/rules` shows, moment by moment:

{chapters}
"""


def page(seen: Mapping[str, Pair] | None = None) -> str:
    """seen: by the name of the case; None: what is expected stands there."""
    chapters = [f"- {chapter.title}: {' / '.join(chapter.phases)}" for chapter in CHAPTERS]
    text = HEAD.format(chapters="\n".join(chapters))
    for part in dict.fromkeys(part for part, _ in ROWS.values()):
        lines = ["", f"## {part}", "", "| | case | Prometheus | hbalert |", "| --- | --- | --- | --- |"]
        for row, (its_part, what) in ROWS.items():
            if its_part == part:
                for place, (says, theirs, ours) in enumerate(_cells(row, seen)):
                    lines.append(f"| {what if not place else ''} | {says} | {theirs} | {ours} |")
        text += "\n".join(lines) + "\n"
    return text


def _cells(row: str, seen: Mapping[str, Pair] | None) -> Iterator[tuple[str, str, str]]:
    for case in PLAYED:
        if case.row == row:
            pair = (case.expected(theirs=True), case.expect) if seen is None else seen[case.name]
            theirs, ours = (f"`{' / '.join(_cell(text) for text in shown)}`" for shown in pair)
            says = f"`{case.name}`: {case.says}: `{_cell(case.expr)}`"
            yield says, theirs, ours if theirs == ours else f"**{ours}**"
    for alone in ALONE:
        if alone.row == row:
            yield alone.says, f"not played: {alone.why}", _tests(alone)
    for left_out in LEFT_OUT:
        if left_out.row == row:
            yield left_out.says, "has them", f"has none: {left_out.why}"


def _tests(alone: Alone) -> str:
    """Names of tests are sentences."""
    links = []
    for test in alone.tests:
        path, _, name = test.partition("::")
        shown = name.removeprefix("test_").replace("_", " ") or path
        links.append(f"[{shown}](../{path})")
    return "; ".join(links)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
