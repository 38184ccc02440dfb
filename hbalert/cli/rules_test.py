"""Unit tests of rules run from files, and what came of each as plain values.

Knows the files, that tests run beside each other, and what a person or another program is shown. Must not
know how a test is played (`rehearsal/`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import click

from hbalert.cli.output import plain, show
from hbalert.cli.translated import count, listed
from hbalert.config.duration import format_duration
from hbalert.config.expression import selectors
from hbalert.config.files import read_file, why
from hbalert.config.findings import Finding
from hbalert.errors import Unavailable
from hbalert.neighbours.prometheus.unit_file import UnitFile, UnitTest, read
from hbalert.neighbours.yaml_tree import MAX_BYTES, Unreadable
from hbalert.programs.prometheus import NoPrometheus
from hbalert.rehearsal import script
from hbalert.rehearsal.play import play
from hbalert.rehearsal.script import Script

AT_ONCE = 2
"""Each test has a Prometheus of its own."""

Row = dict[str, Any]


class CannotTest(click.ClickException):
    """Nothing can be said of the rules. Exit code 2."""

    exit_code = 2


def run(files: Sequence[Path], output: str) -> None:
    """Runs every test of the files, prints what came, and ends with 0, 1 or 2."""
    read_files = [_open(file) for file in files]
    wrong = [each for _, _, _, found in read_files for each in found]
    if wrong:
        listed("", wrong)
        sys.exit(2)
    rows, trouble = [], ""
    try:
        rows = asyncio.run(_all([(file, tests, rules) for file, tests, rules, _ in read_files]))
    except* (NoPrometheus, Unavailable) as errors:
        trouble = str(errors.exceptions[0])
    if trouble:
        raise CannotTest(trouble)
    if output == "junit":
        click.echo("\n".join(_junit(rows)))
    elif output == "table":
        click.echo("\n".join(_lines(rows)))
    else:
        show(rows, output)
    notes = [note for _, _, rules, _ in read_files for note in rules.notes]
    listed("Worth knowing:", list(dict.fromkeys(notes)))
    bad = sum(not row["passed"] for row in rows)
    said = f", {count(bad, 'test')} FAILED" if bad else ""
    click.echo(f"{count(len(rows) - bad, 'test')} passed{said}", err=True)
    sys.exit(1 if bad else 0)


def _open(file: Path) -> tuple[Path, UnitFile, Script, list[Finding]]:
    """A test file and the rules that it names, with all that is wrong with either."""
    empty = UnitFile((), timedelta(), (), fuzzy=False, tests=())
    try:
        tests, report = read(read_file(file, MAX_BYTES), str(file))
    except OSError as error:
        what = f"cannot be read: {why(error)}"
        return file, empty, Script(), [Finding(str(file), 0, "", what)]
    except Unreadable as error:
        return file, empty, Script(), [Finding(str(file), error.line, "", str(error), error.instead)]
    rules = script.read(tests.rule_files, file.parent)
    rules.in_order(tests.order)
    rules.notes += [
        Finding(str(file), case.line, "expr", "hbalert writes no ALERTS into its source")
        for test in tests.tests
        for case in test.exprs
        if any(each.name in script.OWN_SERIES for each in selectors(case.expr))
    ]
    return file, tests, rules, [*report.refused, *rules.wrong]


async def _all(files: Sequence[tuple[Path, UnitFile, Script]]) -> list[Row]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(file: Path, tests: UnitFile, rules: Script, test: UnitTest) -> Row:
        async with room:
            with tempfile.TemporaryDirectory(prefix="hbalert-rules-test-") as folder:
                verdicts = await play(test, rules, tests.interval, Path(folder), fuzzy=tests.fuzzy)
        return {
            "file": str(file),
            "line": test.line,
            "test": test.name or f"the test in line {test.line}",
            "passed": all(each.passed for each in verdicts),
            "checks": [
                {
                    "subject": each.subject,
                    "at": format_duration(each.at),
                    "line": each.line,
                    "passed": each.passed,
                    "expected": list(each.expected),
                    "came": list(each.came),
                    "error": each.error,
                }
                for each in verdicts
            ],
        }

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(one(file, tests, rules, test))
            for file, tests, rules in files
            for test in tests.tests
        ]
    return [task.result() for task in tasks]


# --- for people --------------------------------------------------------------------------------


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    file = ""
    for row in rows:
        if row["file"] != file:
            file = row["file"]
            yield plain(file)
        good = sum(each["passed"] for each in row["checks"])
        word = "ok  " if row["passed"] else "FAIL"
        yield f"  {word}  " + plain(f"{row['test']}: {good} of {count(len(row['checks']), 'check')}")
        for each in row["checks"]:
            if not each["passed"]:
                yield from _failure(file, each)


def _failure(file: str, each: Mapping[str, Any]) -> Iterator[str]:
    yield "      " + plain(f"{file}:{each['line']}: {each['subject']} at {each['at']}")
    if each["error"]:
        yield "        " + plain(f"could not be evaluated: {each['error']}")
        return
    expected, came = list(each["expected"]), list(each["came"])
    for text in [text for text in expected if text in came]:
        expected.remove(text)
        came.remove(text)
        yield "        as expected  " + plain(text)
    for text in expected or ([] if came else ["nothing"]):
        yield "        expected     " + plain(text)
    for text in came or ["nothing"]:
        yield "        came         " + plain(text)


# --- for build servers -------------------------------------------------------------------------


def _junit(rows: Sequence[Row]) -> Iterator[str]:
    bad = sum(not row["passed"] for row in rows)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuite name="hbalert rules test" tests="{len(rows)}" failures="{bad}" errors="0">'
    for row in rows:
        names = f"classname={_attribute(row['file'])} name={_attribute(row['test'])}"
        if row["passed"]:
            yield f"  <testcase {names}/>"
            continue
        yield f"  <testcase {names}>"
        lines = [line for each in row["checks"] if not each["passed"] for line in _failure(row["file"], each)]
        yield f"    <failure message={_attribute(os.linesep.join(line.strip() for line in lines))}/>"
        yield "  </testcase>"
    yield "</testsuite>"


def _attribute(text: str) -> str:
    return quoteattr("".join(char for char in text if char.isprintable() or char == "\n"), {"\n": "&#10;"})
