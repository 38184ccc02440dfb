"""From tables to typed values, with every mistake found in one go.

Knows how pydantic reports a mistake and where that is in a document. Must not know which keys there
are nor how a mistake is put into words (`complaint.py`). A mistake does not hide others: what is wrong
is taken out and the rest is read again, so that whatever refers to it can still be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hbalert.config.complaint import Complaint, complaint
from hbalert.config.document import Document, Table
from hbalert.config.findings import Finding
from hbalert.config.positions import Path

Model = TypeVar("Model", bound=BaseModel)

MAX_ROUNDS = 100
_ABSENT = {"missing", "union_tag_not_found"}


class _Place(NamedTuple):
    """A key among the tables that were read.

    chain  the containers and keys that lead there; the last key may be missing
    path   the same as it stands in the document
    """

    chain: tuple[tuple[Any, Any], ...]
    path: Path


def validate(
    build: Callable[[Table], Model],
    model: type[BaseModel],
    tables: Table,
    document: Document,
    *,
    inherited: Callable[[Path], bool] = lambda path: False,
    partial: bool = False,
) -> tuple[Model | None, list[Finding]]:
    """What the tables say, less what is wrong in them, and what is wrong.

    build      makes the value from the tables; raises ValidationError
    model      what the tables ought to be
    tables     of `document`; what is wrong is taken out of them
    inherited  whether a key comes from elsewhere, where its mistakes are reported
    partial    nothing is required: the tables are defaults for others
    The value is None when too little is left to be one.
    """
    findings: dict[Finding, None] = {}
    taken: set[Path] = set()
    for _ in range(MAX_ROUNDS):
        try:
            return build(tables), list(findings)
        except ValidationError as error:
            # A list all of whose items are wrong is reported as too short as well.
            errors = [
                (each, _place(tables, each["loc"]))
                for each in error.errors(include_url=False)
                if each["type"] != "too_short" or not each["input"]
            ]
        if partial:
            errors = [(each, place) for each, place in errors if each["type"] not in _ABSENT]
        for each, place in errors:
            if place.path not in taken and not inherited(place.path):
                found = complaint(each, model, tables, [key for _, key in place.chain])
                findings.setdefault(_finding(document, (*place.path, *_tag(each)), found))
        doomed: list[tuple[list[Any], Any]] = []
        removed = [_take_out(place, taken, doomed) for _, place in errors]
        if not any(removed):
            break
        for container, table in doomed:
            container[:] = [each for each in container if each is not table]
    return None, list(findings)


def _finding(document: Document, path: Path, found: Complaint) -> Finding:
    return document.finding(path, found.what, found.instead, code=found.code)


def _tag(error: ErrorDetails) -> Path:
    """The key that tells which member of a union is meant, when that is what is wrong."""
    discriminator = str(error.get("ctx", {}).get("discriminator", "")).strip("'")
    return (discriminator,) if error["type"] == "union_tag_invalid" else ()


def _place(tables: Table, loc: tuple[str | int, ...]) -> _Place:
    """Where an error is. Pydantic puts the names of union members into its paths; those are no keys."""
    value: Any = tables
    chain: list[tuple[Any, Any]] = []
    for index, part in enumerate(loc):
        is_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if is_list or (isinstance(value, dict) and part in value):
            chain.append((value, part))
            value = value[part]
        elif isinstance(value, dict) and index == len(loc) - 1 and part != "[key]":
            spelt = [key for key in (f"{part}_file", f"{part}_env") if key in value]
            chain.append((value, spelt[0] if spelt else part))
    return _Place(tuple(chain), _path(chain))


def _path(chain: Sequence[tuple[Any, Any]]) -> Path:
    path: Path = ()
    for container, key in chain:
        path = (*(container.path if isinstance(container, Table) else path), key)
    return path


def _take_out(place: _Place, taken: set[Path], doomed: list[tuple[list[Any], Any]]) -> bool:
    """Removes what is wrong, or the table that misses something; whether there was anything to remove.

    Of a list of texts all is removed, so that the places of what remains stay what they were; tables
    remember their place themselves, but go at the end of the round (`doomed`): others are still counted.
    """
    if not place.chain:
        return False
    *above, (container, key) = place.chain
    around = _Place(tuple(above), _path(above))
    taken.add(place.path)
    if isinstance(container, list):
        if not any(isinstance(each, dict) for each in container):
            return _take_out(around, taken, doomed)
        doomed.append((container, container[key]))
        return True
    if key not in container:
        return _take_out(around, taken, doomed)
    name = key.removesuffix("_file").removesuffix("_env")
    for spelling in (key, name, f"{name}_file", f"{name}_env"):
        container.pop(spelling, None)
        taken.add((*place.path[:-1], spelling))
    return True
