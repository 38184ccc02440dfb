"""The OpenAPI document: everything we serve, made from what serves it.

Knows OpenAPI 3.1. Paths, methods and roles come from the application's own table (`app.py`), shapes
from the types that are encoded and decoded (`wire.py`, `shapes.py`), words from `described.py`. Must not
know any path. A test holds all of it against real answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hbalert import __version__
from hbalert.api.auth import MAY, OPEN
from hbalert.api.shapes import HbError, PromError
from hbalert.api.wire import PostedMatcher, PostedSilence

JSON, TEXT, FORM = "application/json", "text/plain", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or of the path.

    kind  "string", "boolean", "integer", "date-time"; many: may be repeated
    """

    name: str
    says: str
    kind: str = "string"
    many: bool = False
    path: bool = False
    required: bool = False
    default: object = None


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to say about one method of one path.

    answer      the type of a good answer's JSON; None: its body is empty, or text where `text` says so
    parameters  of path and query
    body        the type of the JSON that is sent; `form`: the fields of a form instead
    example     of a good answer; sent: of a body
    refuses     further statuses and why
    status      of a good answer
    """

    summary: str
    answer: Any = None
    parameters: Sequence[Parameter] = ()
    body: Any = None
    form: Sequence[Parameter] = ()
    text: bool = False
    says: str = ""
    example: object = None
    sent: object = None
    refuses: Mapping[int, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Served:
    """One method of one path, as the application serves it."""

    path: str
    method: str
    role: str
    style: str


def document(served: Iterable[Served], told: Mapping[tuple[str, str], Told]) -> dict[str, Any]:
    """The whole document. What is served and not described appears with its path and role only."""
    routes = list(served)
    shapes = _Shapes([each for one in told.values() for each in (one.answer, one.body) if each is not None])
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = route.path.replace(":path}", "}")  # an id with slashes in it
        words = told.get((route.method, route.path), Told("(not described)"))
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, words, shapes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hbalert",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": says} for name, says in _TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `hbalert token new`, where tokens are configured.",
                }
            },
            "schemas": shapes.components,
        },
    }


_ROLES = "; ".join(f"`{role}` may {', '.join(sorted(may))}" for role, may in MAY.items())
_ABOUT = f"""\
Alertmanager's API (`/api/v2`), Prometheus' API for rules and alerts (`/api/v1`), webhooks of Alertmanager
and Grafana, hbalert's own endpoints (`/api/hb/v1`), health and metrics.

Roles: {_ROLES}. Where no tokens are configured everybody may do everything.
Overload and a full disk are 503 with `Retry-After`, never 429. HEAD is GET without the body."""

_TAGS = {
    "alertmanager": "As Alertmanager's API, version 2; deliberate differences are in docs/compatibility.md.",
    "prometheus": "As Prometheus' API, version 1.",
    "webhooks": "Payloads of others.",
    "hbalert": "What the others have no words for.",
    "process": "Health, reload, metrics.",
}
_TAG_OF = (
    ("/api/v2/", "alertmanager"),
    ("/api/v1/", "prometheus"),
    ("/webhook/", "webhooks"),
    ("/api/", "hbalert"),
    ("/", "process"),
)


class _Shapes:
    """The schemas of types: references, and what they refer to."""

    def __init__(self, types: Sequence[Any]) -> None:
        kinds = [*types, str, HbError, PromError]
        schemas, self.components = msgspec.json.schema_components(
            kinds, ref_template="#/components/schemas/{name}"
        )
        self._of = list(zip(kinds, schemas, strict=True))
        self.components["Refused"] = {
            "title": "Refused",
            "description": "What the API's document forbids: a missing field, a method, a type of body.",
            "type": "object",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
        for posted in (PostedSilence, PostedMatcher):
            if posted.__name__ in self.components:
                _require(self.components[posted.__name__], posted)

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of a type that was named at the start."""
        return next(schema for known, schema in self._of if known is kind or known == kind)


def _require(schema: dict[str, Any], posted: type[PostedSilence] | type[PostedMatcher]) -> None:
    """What a struct lets be missing, so that we can say what is, is required all the same."""
    names = dict(zip(posted.__struct_fields__, posted.__struct_encode_fields__, strict=True))
    schema["required"] = [names[field] for field in posted.required]
    for name in schema["required"]:
        schema["properties"][name] = schema["properties"][name]["anyOf"][0]


def _operation(route: Served, told: Told, shapes: _Shapes) -> dict[str, Any]:
    role = (
        "nobody needs a token for it" if route.role == OPEN else f"needs the role `{route.role}`, or `admin`"
    )
    operation: dict[str, Any] = {
        "operationId": f"{route.method} {route.path}",
        "tags": [next(tag for begin, tag in _TAG_OF if route.path.startswith(begin))],
        "summary": told.summary,
        "description": f"{told.says}\n\nRole: {role}.".strip(),
        "security": [] if route.role == OPEN else [{"token": []}],
        "responses": {str(told.status): _good(told, shapes)},
    }
    if told.parameters:
        operation["parameters"] = [_parameter(each) for each in told.parameters]
    if told.body is not None:
        media: dict[str, Any] = {"schema": shapes.of(told.body)}
        if told.sent is not None:
            media["example"] = told.sent
        operation["requestBody"] = {"required": True, "content": {JSON: media}}
    elif told.form:
        fields = {each.name: {"type": "string", "description": each.says} for each in told.form}
        schema = {
            "type": "object",
            "properties": fields,
            "required": [each.name for each in told.form if each.required],
        }
        operation["requestBody"] = {"required": True, "content": {FORM: {"schema": schema}}}
    for status, why in sorted(_refusals(route, told).items()):
        operation["responses"][str(status)] = {
            "description": why,
            "content": _error(route.style, status, shapes),
        }
    return operation


def _good(told: Told, shapes: _Shapes) -> dict[str, Any]:
    if told.text:
        return {"description": "Done.", "content": {TEXT: {"schema": {"type": "string"}}}}
    if told.answer is None:
        return {"description": "Done; the body is empty."}
    media: dict[str, Any] = {"schema": shapes.of(told.answer)}
    if told.example is not None:
        media["example"] = told.example
    return {"description": "The answer.", "content": {JSON: media}}


def _refusals(route: Served, told: Told) -> dict[int, str]:
    """Statuses that any request like this may get, and those of its own."""
    found = {}
    if route.role != OPEN:
        found[401] = "No token, or one that nobody has."
        found[403] = "The role of the token does not allow it, or a page of another origin asks."
        found[503] = "Too much at once, or the store has no room: come back after `Retry-After` seconds."
    if told.body is not None or told.form:
        found[408] = "The body was not complete in time."
        found[413] = "The body is larger than the limit, which is named."
        found[415] = "The body is of another type."
    if told.parameters or told.body is not None or told.form:
        found[400] = "What is wrong, by field or parameter."
    return {**found, **told.refuses}


def _error(style: str, status: int, shapes: _Shapes) -> dict[str, Any]:
    match style:
        case "text":
            return {TEXT: {"schema": {"type": "string"}}}
        case "hb":
            return {JSON: {"schema": shapes.of(HbError)}}
        case "prom":
            return {JSON: {"schema": shapes.of(PromError)}}
    return {
        JSON: {"schema": {"$ref": "#/components/schemas/Refused"} if status in (415, 422) else shapes.of(str)}
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = (
        {"type": "string", "format": "date-time"}
        if parameter.kind == "date-time"
        else {"type": parameter.kind}
    )
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {
        "name": parameter.name,
        "in": "path" if parameter.path else "query",
        "description": parameter.says,
        "required": parameter.path or parameter.required,
        "schema": {"type": "array", "items": schema} if parameter.many else schema,
    }
