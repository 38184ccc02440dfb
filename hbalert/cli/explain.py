"""`hbalert explain`: what becomes of an alert with these labels, and why.

Knows how the answer of the daemon is told to a person. Must not know how it is found. Without a daemon
the configuration alone is asked: routes and rules are as they are written, and nobody has been told.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from hbalert.cli.client import Client, Unreachable, client_options, segment
from hbalert.cli.output import ago, local, output_option, plain, show_one
from hbalert.cli.silence import label_text
from hbalert.cli.when import future
from hbalert.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("labels", nargs=-1, required=True, metavar="LABEL...")
@click.option("--at", metavar="TIME", help='As of then: "03:00", "tomorrow 09:00", "2026-03-01 18:30".')
@click.option("--offline", is_flag=True, help="Ask the configuration, not the daemon.")
@output_option
@client_options
def explain(labels: tuple[str, ...], at: str | None, offline: bool, output: str, client: Client) -> None:
    """Explain what becomes of an alert with these labels: rule, routes, groups, who is told, or why not.

    LABEL is NAME=VALUE. The alert may fire now or be made up; one that fires may be named by its id, which
    may be cut short. Nobody is told anything by this.

    \b
    Examples:
      hbalert explain alertname=HummingbotDown bot=alpha severity=critical
      hbalert explain alertname=HummingbotDown bot=alpha --at 03:00
      hbalert explain c8af
    """
    now = SystemClock().now()
    moment = future(at, now) if at else None
    if offline:
        answer = _alone(labels, moment, click.get_current_context().params["config"])
    else:
        try:
            answer = client.get(
                "/api/hb/v1/explain",
                {"label": _labels(labels, client), "at": moment.isoformat() if moment else ""},
            )
        except Unreachable as error:
            raise Unreachable(f"{error.message}; --offline asks the configuration alone") from None
    show_one(answer, output, "\n".join(story(answer)))


def _labels(words: tuple[str, ...], client: Client) -> list[str]:
    """The labels as they were given, or those of the alert whose id was."""
    if len(words) > 1 or not re.fullmatch(r"[0-9a-f]{1,16}", words[0]):
        return list(words)
    found = client.get(f"/api/hb/v1/alerts/{segment(words[0])}")["labels"]
    return [f"{json.dumps(name)}={json.dumps(value, ensure_ascii=False)}" for name, value in found.items()]


def _alone(labels: tuple[str, ...], at: datetime | None, config: Path | None) -> dict[str, Any]:
    """The same answer from the configuration, as if nothing had happened yet."""
    import msgspec

    from hbalert.cli.config_path import find_config
    from hbalert.config.load import load
    from hbalert.core.labels import Labels
    from hbalert.core.matcher import Op, parse
    from hbalert.errors import ConfigError
    from hbalert.explain.outlook import Unborn
    from hbalert.explain.outlook import explain as work_out
    from hbalert.explain.rows import explanation_row
    from hbalert.regex import compile_regex

    pairs = {}
    for text in labels:
        try:
            read = parse(text, compile_regex)
        except ValueError as error:
            raise click.UsageError(f"{error}; an alert's labels are written name=value") from None
        if read.op is not Op.EQUAL:
            raise click.UsageError(f"{text} is a condition; an alert's labels are written name=value")
        pairs[read.name] = read.value
    try:
        loaded = load(find_config(config, os.environ), os.environ)
    except ConfigError as error:
        raise click.UsageError(f"the configuration is wrong; `hbalert check` tells more:\n{error}") from None
    now = at or SystemClock().now()
    row = explanation_row(work_out(Unborn(loaded, now), Labels(pairs), now))
    answer: dict[str, Any] = json.loads(msgspec.json.encode({"schema": 1, **row}))
    return answer


# --- for people --------------------------------------------------------------------------------


def story(answer: dict[str, Any]) -> Iterator[str]:
    """The whole answer, line by line; lengths of time are seen from its `at`."""
    now = datetime.fromisoformat(answer["at"])
    yield f"{label_text(answer['labels'])}"
    yield f"{answer['fingerprint']}  {_state(answer, now)}"
    yield ""
    yield from _rules(answer["rules"])
    yield from _routes(answer["routes"])
    for group in answer["groups"]:
        yield ""
        yield from _group(group, answer, now)


def _state(answer: dict[str, Any], now: datetime) -> str:
    since = answer["fires_since"]
    if since is None:
        return f"does not fire; if it did at {local(answer['at'])}:"
    length = ago((now - datetime.fromisoformat(since)).total_seconds())
    return f"fires since {local(since)} ({length}), says {', '.join(map(plain, answer['origins']))}"


def _rules(rules: list[dict[str, Any]]) -> Iterator[str]:
    if not rules:
        yield "Rule      none here makes alerts of this name"
    for rule in rules:
        where = f"{rule['file']}:{rule['line']}" if rule["file"] else ""
        yield f"Rule      {plain(rule['id'])}  {where}  {_rule_state(rule)}".rstrip()
        hold = f"  for {ago(rule['for_seconds'])}" if rule["for_seconds"] else ""
        yield f"          {plain(' '.join(rule['expr'].split()))}{hold}"


def _rule_state(rule: dict[str, Any]) -> str:
    if rule["since"] is None:
        return "has no alert with these labels now"
    return f"{rule['state']}, true since {local(rule['since'])}, value {rule['value']}"


def _routes(steps: list[dict[str, Any]]) -> Iterator[str]:
    heading = "Routes"
    for step in steps:
        matchers = ", ".join(step["matchers"]) or "everything"
        line = f"line {step['line']}: " if step["line"] else ""
        text = f"{'  ' * step['depth']}{line}{matchers} -> {step['receiver']}: {_verdict(step)}"
        yield f"{heading:<9} {plain(text)}"
        heading = ""


def _verdict(step: dict[str, Any]) -> str:
    failed = step["failed"]
    if failed is not None:
        return f'no, {failed["name"]} is "{failed["value"]}"'
    return ("yes, this way" if step["taken"] else "yes") + (", and on" if step["continue"] else "")


def _group(group: dict[str, Any], answer: dict[str, Any], now: datetime) -> Iterator[str]:
    shared = label_text(group["labels"]) if group["labels"] else "one for all"
    yield f"Group     {shared}{'' if group['known'] else ' (new)'}, receiver {plain(group['receiver'])}"
    wait = (datetime.fromisoformat(group["due"]) - now).total_seconds()
    yield f"          looked at {'now' if wait <= 0 else f'in {ago(wait)}, at ' + local(group['due'])}"
    for mute in group["muted_by"]:
        for who in _muters(mute, answer):
            yield f"          kept quiet: {who}"
    if group["quiet_until"]:
        yield f"          the route may speak again at {local(group['quiet_until'])}"
    width = max((len(each["name"]) for each in group["notifiers"]), default=0)
    for each in group["notifiers"]:
        yield f"          {each['name']:<{width}}  {_told(each, bool(group['muted_by']))}"
    if group["disabled"]:
        yield f"          switched off: {', '.join(group['disabled'])}"
    if not group["notifiers"]:
        yield "          nobody is told: no notifier of this receiver is enabled"


def _muters(mute: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    """Who keeps it quiet, with what a person wants to know about them."""
    silences = {each["id"]: each for each in answer["silences"]}
    inhibitors = {each["fingerprint"]: each for each in answer["inhibitors"]}
    for by in mute["by"]:
        if by in silences:
            silence = silences[by]
            yield (
                f"silence {by[:8]} by {plain(silence['created_by'])} until {local(silence['ends_at'])}: "
                f"{plain(silence['comment'])}"
            )
        elif by in inhibitors:
            yield f"inhibited by {label_text(inhibitors[by]['labels'])} ({by[:8]})"
        else:
            yield f"time interval {plain(by)}"


def _told(each: dict[str, Any], muted: bool) -> str:
    parts = []
    unsent = each["unsent"]
    if unsent:
        tried = f", {unsent['attempts']} failed: {plain(unsent['last_answer'])}" if unsent["attempts"] else ""
        parts.append(f"not reached yet{tried}; next attempt at {local(unsent['next_attempt_at'])}")
    lost = each.get("given_up")
    if lost:
        parts.append(
            f"was not told, given up: {plain(lost['last_answer']) or 'no answer'}; "
            f"`hbalert queue retry {lost['delivery'][:8]}` tries it again"
        )
    if each["told_at"]:
        parts.append(f"was told at {local(each['told_at'])}")
    if each["reason"]:
        parts.append(f"will be told: {each['reason']}")
    elif (each["told_at"] or lost) and not muted:
        parts.append(f"hears it{' again' if each['told_at'] else ''} after {local(each['repeat_at'])}")
    elif not each["told_at"] and not unsent and not lost:
        parts.append("is not told" if muted else "has nothing to hear")
    if each["held_until"]:
        parts.append(f"asked us to stay away until {local(each['held_until'])}")
    return "; ".join(parts)
