"""What every table of the configuration has in common.

Knows that tables are frozen, that unknown keys are mistakes, and that a secret `x` is spelt in one of
three ways: `x = "..."`, `x_file = "path"`, `x_env = "NAME"`. Must not know which tables there are
(`types.py`, `written.py`) nor how a secret is looked up (`values.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from hbalert.config.secret import Secret
from hbalert.config.values import gather_spellings


class Settings(BaseModel):
    """A table of the configuration.

    What pydantic makes of a type is made with its first table: most kinds of notifiers never have one.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, strict=False, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _spellings_of_secrets(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        for name in secret_names(cls):
            table = gather_spellings(table, name)
        for name in secret_maps(cls):
            if isinstance(inner := table.get(name), Mapping):
                for key in {key.removesuffix("_file").removesuffix("_env") for key in inner}:
                    inner = gather_spellings(inner, key)
                table = {**table, name: inner}
        return table


def _leaves(annotation: Any) -> set[Any]:
    """The types that an annotation is made of, outermost first removed: `Secret | None` -> both."""
    inner = get_args(annotation)
    return set().union(*map(_leaves, inner)) if inner else {annotation}


@cache
def secret_names(model: type[BaseModel]) -> tuple[str, ...]:
    """Keys of a table whose value is a secret."""
    return tuple(
        field.alias or name
        for name, field in model.model_fields.items()
        if Secret in _leaves(field.annotation) and str not in _leaves(field.annotation)
    )


@cache
def secret_maps(model: type[BaseModel]) -> tuple[str, ...]:
    """Keys of a table whose value is a table of secrets under names of the operator's choice."""
    return tuple(
        field.alias or name
        for name, field in model.model_fields.items()
        if Secret in _leaves(field.annotation) and str in _leaves(field.annotation)
    )
