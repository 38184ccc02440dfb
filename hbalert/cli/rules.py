"""`hbalert rules`: which rules there are, how each of them does, and what one would do now.

Knows how rules are shown to a person. Must not know how one is evaluated (`rules_eval.py`, next).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hbalert.cli.client import Client, client_options, segment
from hbalert.cli.output import ago, local, output_option, plain, show, show_one
from hbalert.cli.silence import label_text
from hbalert.clock import SystemClock


@click.group()
def rules() -> None:
    """The rules, how their last evaluation went, and what one of them would do now."""


@rules.command(name="list")
@click.argument("names", nargs=-1, metavar="[RULE]...")
@click.option("--state", type=click.Choice(["inactive", "pending", "firing"]), help="Only those.")
@click.option("--group", default="", metavar="NAME", help="Only the rules of this group.")
@click.option("--failing", is_flag=True, help="Only those whose last evaluation failed.")
@output_option
@client_options
def list_(
    names: tuple[str, ...], state: str | None, group: str, failing: bool, output: str, client: Client
) -> None:
    """List rules with their state, the last evaluation and the next one.

    RULE is the beginning of an id or of a name. Times are those of this machine's zone.

    \b
    Examples:
      hbalert rules list --state firing
      hbalert rules list --failing -o json
    """
    asked = {"state": state or "", "group": group, "health": "err" if failing else ""}
    rows = client.get("/api/hb/v1/rules", asked)["rows"]
    if names:
        rows = [row for row in rows if row["id"].startswith(names) or row["rule"].startswith(names)]
    if output == "table":
        now = SystemClock().now()
        rows = [_line(row, now) for row in rows]
    show(
        rows,
        output,
        empty="There is no such rule." if any(asked.values()) or names else "There are no rules.",
    )


def _line(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "group": row["group"],
        "rule": row["rule"],
        "state": row["state"] + (" (flapping)" if row["flapping"] else ""),
        "firing": row["firing"],
        "pending": row["pending"],
        "last": _moment(row["last_at"]) or "not yet",
        "took": _took(row["seconds"]),
        "next": _until(row["next_at"], now),
        "error": row["error"] or "; ".join(row["warnings"]),
    }


def _moment(text: str | None) -> str:
    """The time of day, with the day when that is another one than today."""
    if not text:
        return ""
    whole = local(text)
    today = local(SystemClock().now().isoformat())
    return whole.removeprefix(today[:11]) if whole[:11] == today[:11] else whole


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _until(text: str | None, now: datetime) -> str:
    if not text:
        return ""
    seconds = (datetime.fromisoformat(text) - now).total_seconds()
    return f"in {ago(seconds)}" if seconds > 0 else "now"


@rules.command(name="show")
@click.argument("rule", metavar="RULE")
@output_option
@client_options
def show_(rule: str, output: str, client: Client) -> None:
    """Show everything about one rule: where it is written, how it does, its alerts with their values.

    RULE is its id or its name; either may be cut short.

    \b
    Example:
      hbalert rules show HummingbotDown
    """
    row = client.get(f"/api/hb/v1/rules/{segment(rule)}")
    show_one({key: value for key, value in row.items() if key != "schema"}, output, "\n".join(_story(row)))


def _story(row: Mapping[str, Any]) -> Iterator[str]:
    where = f"  {row['file']}:{row['line']}" if row["file"] else ""
    yield plain(f"{row['id']}{where}")
    yield from told_rule(row)
    if row["last_at"]:
        took = f"{row['samples']} series in {_took(row['seconds'])}"
        yield _fact("last", f"{local(row['last_at'])}: {'failed' if row['error'] else took}")
        yield _fact("next", local(row["next_at"]))
    else:
        yield _fact("last", "not evaluated yet")
    if row["error"]:
        yield _fact("ERROR", row["error"])
    if row["failing_since"]:
        yield _fact("", f"failing since {local(row['failing_since'])}")
    for warning in row["warnings"]:
        yield _fact("warning", warning)
    alerts = [each for each in row["alerts"] if each["state"] != "resolved"]
    yield _fact("state", f"{row['state']}: {row['firing']} firing, {row['pending']} pending")
    for each in alerts:
        yield ""
        yield from _alert(each)
    over = len(row["alerts"]) - len(alerts)
    if over:
        yield ""
        yield f"{over} more fired within the last {ago(row['flap_window_seconds'])} and resolved"


def told_rule(row: Mapping[str, Any]) -> Iterator[str]:
    """What is written of a rule: expression, waits, labels, texts."""
    yield _fact("expr", " ".join(row["expr"].split()))
    if row["clear"]:
        yield _fact("clear", " ".join(row["clear"].split()))
    waits = [
        f"every {ago(row['interval_seconds'])} on {row['source']}",
        *(f"{word} {ago(row[key])}" for word, key in _WAITS if row[key]),
    ]
    if row["no_data"] != "ok":
        waits.append(f"no_data {row['no_data']}")
    if row["missing_evaluations"]:
        waits.append(f"missing_evaluations {row['missing_evaluations']}")
    if row["limit"]:
        waits.append(f"limit {row['limit']}")
    yield _fact("when", ", ".join(waits))
    if row["labels"]:
        yield _fact("labels", ", ".join(f"{name}={value}" for name, value in row["labels"].items()))
    for name, text in row["annotations"].items():
        yield _fact(name, text)


_WAITS = (
    ("for", "for_seconds"),
    ("keep_firing_for", "keep_firing_for_seconds"),
    ("query_offset", "query_offset_seconds"),
)


def _alert(each: Mapping[str, Any]) -> Iterator[str]:
    yield plain(f"{each['state']}  {each['fingerprint'][:8]}  {label_text(each['labels'])}")
    yield _fact("value", each["value"])
    yield _fact("true since", local(each["active_at"]))
    for word, key in _SINCE:
        if each[key]:
            yield _fact(word, local(each[key]))
    for name, text in each["annotations"].items():
        yield _fact(name, text)


_SINCE = (
    ("fires since", "fired_at"),
    ("missing since", "keep_firing_since"),
    ("flaps since", "flapping_since"),
    ("calm since", "calm_since"),
)


def _fact(word: str, text: str) -> str:
    return plain(f"  {word:<12} {text}").rstrip()


# --- eval --------------------------------------------------------------------------------------


@rules.command(name="eval")
@click.argument("rule", metavar="RULE")
@click.option("--at", metavar="TIME", help='As of then: "2h" (ago), "03:00", "2026-03-01 18:30".')
@click.option("--offline", is_flag=True, help="As if nothing had been seen before: do not ask the daemon.")
@output_option
@client_options
def eval_(rule: str, at: str | None, offline: bool, output: str, client: Client) -> None:
    """Evaluate one rule now against its source, and show what would come of it. Nobody is told anything.

    RULE is its id or its name in the configuration; either may be cut short. What a running daemon knows
    of its alerts (since when they hold) is taken into account; without one, nothing was seen before.

    \b
    Exit codes: 0 evaluated, 1 the source does not answer, 2 the rule is wrong.

    \b
    Examples:
      hbalert rules eval HummingbotDown
      hbalert rules eval HummingbotDown --at 03:00 -o json
    """
    from hbalert.cli.rules_eval import run

    config = click.get_current_context().params["config"]
    answer = run(rule, at, config, None if offline or at else client)
    show_one(answer, output, "\n".join(_trial(answer)))


SHOWN_SERIES = 40


def _trial(answer: Mapping[str, Any]) -> Iterator[str]:
    rule = answer["rule"]
    yield plain(f"{rule['id']}  {rule['file']}:{rule['line']}")
    yield from told_rule(rule)
    if answer["threshold"]:
        yield _fact("threshold", " ".join(answer["threshold"].values()))
    asked = f"{answer['address']} for {local(answer['asked_at'])}"
    yield _fact("asked", f"{asked}: {answer['samples']} series in {_took(answer['seconds'])}")
    for warning in answer["warnings"]:
        yield _fact("warning", warning)
    series = answer["series"]
    if series:
        yield ""
        yield from _series(series[:SHOWN_SERIES])
        if len(series) > SHOWN_SERIES:
            yield f"... and {len(series) - SHOWN_SERIES} more (-o json has all)"
    yield ""
    if not answer["alerts"]:
        yield "Nothing would fire."
    for place, each in enumerate(answer["alerts"]):
        if place:
            yield ""
        yield from _would(each)


def _series(series: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    from hbalert.cli.output import table

    rows = [
        {"value": each["value"], "holds": "HOLDS" if each["holds"] else "-", "series": each["name"]}
        for each in series
    ]
    yield table(rows, ("value", "holds", "series"))


def _would(each: Mapping[str, Any]) -> Iterator[str]:
    said = each["verdict"]
    for name in ("fires_at", "since"):
        if each[name]:
            said = said.replace(f"{{{name}}}", local(each[name]))
    yield plain(said)
    yield _fact("labels", label_text(each["labels"]))
    yield _fact("value", each["value"])
    for name, text in each["annotations"].items():
        yield _fact(name, text)
    for told in each["told"]:
        who = ", ".join(told["notifiers"]) or "NOBODY: none of its notifiers is enabled"
        yield _fact("told", f"{told['receiver']} ({who})")


# --- test --------------------------------------------------------------------------------------


@rules.command(name="test")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "jsonl", "junit"]),
    default="table",
    show_default=True,
    help="table for people; json or jsonl for programs; junit for build servers.",
)
def test_(files: tuple[Path, ...], output: str) -> None:
    """Run unit tests of rules, written in promtool's format.

    A test makes up series and says which alerts fire when, with which labels and texts. `rule_files` may be
    rules of hbalert (.toml) or of Prometheus. A Prometheus that is started for each test does the PromQL;
    everything else is done by the code that the daemon runs. Defaults of [evaluation] are not applied.

    \b
    Exit codes: 0 all passed, 1 a test failed, 2 a file is wrong, or there is no Prometheus.

    \b
    Examples:
      hbalert rules test tests/*.yml
      hbalert rules test rules_test.yml -o junit > report.xml
    """
    from hbalert.cli.rules_test import run

    run(files, output)
