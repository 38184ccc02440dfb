"""What is wrong with a value, in plain words, and what would be right.

Knows pydantic's kinds of errors and the names that other programs give to our keys. Must not know
files or lines. A value is repeated only where it cannot be a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from hbalert.config.nearest import did_you_mean, nearest
from hbalert.config.shape import keys, model_at
from hbalert.config.table import secret_maps, secret_names


class Complaint(NamedTuple):
    """What is wrong, what would be right, and the finding's code."""

    what: str
    instead: str
    code: str


FOREIGN = {
    "record": "hbalert has no recording rules; leave them in Prometheus' own rule files",
    "match": "write matchers = ['name = \"value\"']",
    "match_re": "write matchers = ['name =~ \"pattern\"']",
    "source_match": "write source_matchers = ['name = \"value\"']",
    "source_match_re": "write source_matchers = ['name =~ \"pattern\"']",
    "target_match": "write target_matchers = ['name = \"value\"']",
    "target_match_re": "write target_matchers = ['name =~ \"pattern\"']",
    "global": "defaults of notifiers stand in [defaults.email], [defaults.sms], ...",
    "rule_files": 'write rules = ["rules/*.toml"] in [evaluation]',
    "scrape_configs": "hbalert does not scrape; it asks the Prometheus in [sources.NAME]",
    "alerting": "hbalert delivers by itself; see [route] and notifiers/",
    "templates": 'a notifier file names its own: template = "notifiers/templates/NAME.txt"',
} | {
    f"{kind}_configs": "a destination is a file in notifiers/; [[receivers]] lists their names"
    for kind in ("discord", "email", "opsgenie", "pagerduty", "slack", "sns", "telegram", "webhook", "wechat")
}
"""Keys of Alertmanager and Prometheus that are said otherwise here."""

_WANTED = {
    "string_type": ("a text", 'write it between quotes: "..."'),
    "bool_type": ("true or false", "write it without quotes"),
    "bool_parsing": ("true or false", "write it without quotes"),
    "int_type": ("a whole number", "write it without quotes"),
    "int_parsing": ("a whole number", "write it without quotes"),
    "int_from_float": ("a whole number", "write it without a fraction"),
    "float_type": ("a number", "write it without quotes"),
    "float_parsing": ("a number", "write it without quotes"),
    "finite_number": ("a number", "write one that is not infinite"),
    "tuple_type": ("a list", 'write it between brackets: ["..."]'),
    "mapping_type": ("a table", 'write it as a table: { name = "..." }'),
    "dict_type": ("a table", 'write it as a table: { name = "..." }'),
    "model_type": ("a table", "write it as a table: [name] with keys below it"),
    "model_attributes_type": ("a table", "write it as a table: [name] with keys below it"),
    "path_type": ("a file name", 'write it between quotes: "..."'),
    "is_instance_of": ("a text", 'write it between quotes: "..."'),
}

_NUMBERS = {"int_type", "float_type"}

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
}


def complaint(error: ErrorDetails, model: type[BaseModel], tables: Any, keys_to: Sequence[Any]) -> Complaint:
    """Puts an error of pydantic into words.

    model    what `tables`, the whole, ought to be
    keys_to  the keys that lead from `tables` to what is wrong
    """
    kind, value, details = error["type"], error["input"], error.get("ctx", {})
    around = model_at(model, tables, tuple(keys_to[:-1]))
    key = keys_to[-1] if keys_to else ""
    if kind == "extra_forbidden":
        return _unknown_key(str(key), around, tables, keys_to)
    if kind == "missing":
        return Complaint("is missing", _how_to_write(str(key), around), "missing")
    if kind in _WANTED:
        wanted, remedy = _WANTED[kind]
        if kind in _NUMBERS and not isinstance(value, str):
            remedy = "write a number, for example 10"
        return Complaint(f"must be {wanted}, not {_kind_of(value)}", remedy, "type")
    if kind == "value_error":
        what, _, instead = str(details["error"]).partition("; ")
        return Complaint(what, instead, "secret" if _is_secret(model, tables, keys_to) else "value")
    if kind in ("literal_error", "union_tag_invalid"):
        return _not_one_of(value, details)
    if kind == "union_tag_not_found":
        name = str(details["discriminator"]).strip("'")
        return Complaint(f"{name} is missing", f'write {name} = "..." first', "missing")
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return Complaint(f"{value} is out of range", f"write {words} {details[name]}", "value")
    if kind == "too_short":
        return Complaint("the list is empty", "write at least one item", "value")
    if kind == "string_pattern_mismatch" and key == "hash":
        return Complaint(
            "this is not the hash of a token", "make one with `hbalert token new` and copy its hash", "value"
        )
    return Complaint(error["msg"][:1].lower() + error["msg"][1:], "", "value")


def _unknown_key(key: str, around: type[BaseModel] | None, tables: Any, keys_to: Sequence[Any]) -> Complaint:
    known = keys(around) if around else ()
    what = "there is no such key"
    if key in FOREIGN:
        return Complaint(what, FOREIGN[key], "unknown-key")
    instead = did_you_mean(key, known)
    in_list = [part for part in keys_to if isinstance(part, int)]
    if in_list and nearest(key, known) is None:
        header = ".".join(str(part) for part in keys_to[:-1] if isinstance(part, str))
        instead += (
            f"; a key that stands after [[{header}]] belongs to that table: move it above, if that was meant"
        )
    return Complaint(what, instead, "unknown-key")


def _is_secret(model: type[BaseModel], tables: Any, keys_to: Sequence[Any]) -> bool:
    """Whether a secret stands there: under its own key, or in a table of secrets."""
    around = model_at(model, tables, tuple(keys_to[:-1]))
    if around is not None:
        names = {f"{name}{end}" for name in secret_names(around) for end in ("", "_file", "_env")}
        return bool(keys_to) and keys_to[-1] in names
    outside = model_at(model, tables, tuple(keys_to[:-2]))
    return outside is not None and keys_to[-2] in secret_maps(outside)


def _how_to_write(key: str, around: type[BaseModel] | None) -> str:
    if around and key in secret_names(around):
        return f'write {key}_file = "PATH", {key}_env = "VARIABLE" or {key} = "..."'
    return f"write {key} = ..."


def _not_one_of(value: Any, details: dict[str, Any]) -> Complaint:
    expected = str(details.get("expected") or details.get("expected_tags"))
    names = [name.strip("'\" ") for name in expected.replace(" or ", ", ").split(",")]
    if isinstance(value, dict):
        value = value.get(str(details.get("discriminator", "")).strip("'"))
    near = nearest(str(value), names)
    listed = f"write one of {', '.join(names)}" if len(names) > 1 else f'write "{names[0]}"'
    return Complaint(f"{value!r} is not known here", f'did you mean "{near}"?' if near else listed, "value")


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    for types, name in (
        (int, "a whole number"),
        (float, "a number"),
        (str, "a text"),
        (dict, "a table"),
        (list | tuple, "a list"),
        (date | time, "a date or time"),
    ):
        if isinstance(value, types):
            return name
    return "something else"
