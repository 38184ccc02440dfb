"""Which keys a table may have, read from the types themselves.

Knows how pydantic describes a model. Must not know values or files. Used to suggest keys and to tell
which environment variables name something.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from hbalert.config.table import secret_names


def keys(model: type[BaseModel]) -> tuple[str, ...]:
    """Every key that a table of this model may have, spellings of secrets included."""
    plain = [field.alias or name for name, field in model.model_fields.items()]
    return (*plain, *(f"{name}_{end}" for name in secret_names(model) for end in ("file", "env")))


def models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value with this annotation may be: one, or those of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        return models(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [model for inner in get_args(annotation) for model in models(inner)]
    return []


def inner(annotation: Any, part: str | int, table: Any = None) -> Any:
    """The annotation of what stands at `part` within a value; None when nothing can stand there.

    table  the value itself, where it is known: it tells which member of a union is meant
    """
    if isinstance(part, str):
        found = [model for model in models(annotation) if table is None or _fits(model, table)]
        for model in found:
            for name, field in model.model_fields.items():
                if part == (field.alias or name):
                    return field.annotation
            for secret in secret_names(model):
                if part in (f"{secret}_file", f"{secret}_env"):
                    return str
        if found:
            return None
    arguments = _container(annotation)
    if arguments is None:
        return None
    is_mapping, element = arguments
    return element if is_mapping == isinstance(part, str) else None


def _container(annotation: Any) -> tuple[bool, Any] | None:
    """Whether it is a mapping or a list, and of what; None when it is neither."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _container(arguments[0])
    if origin in (Union, types.UnionType):
        return next((found for each in arguments if (found := _container(each))), None)
    if origin is not None and isinstance(origin, type):
        if issubclass(origin, Mapping):
            return True, arguments[1]
        if issubclass(origin, list | tuple):
            return False, arguments[0]
    return None


def _fits(model: type[BaseModel], table: Any) -> bool:
    """Whether the fixed words of a model (`type`, `provider`) are those of the table."""
    if not isinstance(table, Mapping):
        return True
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal and field.is_required():
            return table.get(field.alias or name) in get_args(field.annotation)
    return True


def is_single(annotation: Any) -> bool:
    """Whether a value is one text, number or switch: what an environment variable can hold."""
    if models(annotation) or _container(annotation) is not None:
        return False
    return annotation is not Any


def model_at(model: type[BaseModel], table: Any, path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model of the table at `path` below a table of `model`."""
    annotation: Any = model
    value = table
    for part in path:
        annotation = inner(annotation, part, value)
        value = _at(value, part)
    found = [each for each in models(annotation) if _fits(each, value)]
    return found[0] if found else None


def _at(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (LookupError, TypeError):
        return None
