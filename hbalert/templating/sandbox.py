"""Jinja2 with walls: what a template may use, and how much.

Knows Jinja2's syntax tree, the allowed names and the limits. Must not know rules, alerts or
messages: who compiles a program says which variables it has. Next: `full.py`.

Texts come from configuration, but they are expanded for every alert over values that anybody may
have sent. So a program has no macros, no imports, no methods but the listed ones; loops are
counted; a text that grows beyond MAX_TEXT ends it. Nothing here measures time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from hbalert.templating.budget import CALL, MAX_TEXT, MAX_TURNS, Budget, TooMuchWork, checked, current
from hbalert.templating.expressions import meant
from hbalert.templating.failure import TemplateError, reason
from hbalert.templating.functions import FUNCTIONS, UNAVAILABLE
from hbalert.templating.gofmt import number, show
from hbalert.templating.gotime import Duration, Moment

_JINJA_FILTERS = (
    "abs", "capitalize", "count", "e", "escape", "float", "int", "items", "last", "length", "list", "lower",
    "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "trim",
    "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
_TEXT_METHODS = frozenset({
    "capitalize", "count", "find", "isalpha", "isdigit", "lower", "lstrip", "removeprefix", "removesuffix",
    "rsplit", "rstrip", "split", "startswith", "endswith", "strip", "title", "upper",
})  # fmt: skip
_DURATION_PARTS = frozenset({"Seconds", "Minutes", "Hours"})
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.NSRef, nodes.Const, nodes.List,
    nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Getattr, nodes.Getitem, nodes.Slice,
    nodes.Filter, nodes.Test, nodes.Call, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.BinExpr, nodes.Concat, nodes.If, nodes.For,
    nodes.Assign, nodes.With,
)  # fmt: skip


class Number(float):
    """A float that prints as Go prints it, also inside a longer expression."""

    __slots__ = ()

    def __str__(self) -> str:
        return number(self)


class Names(Mapping[str, str]):
    """Labels or annotations as a template sees them: an item wins over any method.

    `labels.items` is the label called items; one that is not there is the empty text.
    """

    __slots__ = ("_map",)

    def __init__(self, names: Mapping[str, str]) -> None:
        self._map = names

    def __getitem__(self, name: str) -> str:
        return self._map.get(name, "")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._map))

    def __len__(self) -> int:
        return len(self._map)

    def __contains__(self, name: object) -> bool:
        return name in self._map


class View:
    """Base of what message templates see: all public attributes may be read, none called."""

    __slots__ = ()


class Program:
    """A compiled text. `variables` are the names it uses of those it was offered."""

    __slots__ = ("_globals", "_template", "variables")

    def __init__(self, template: Template, variables: frozenset[str]) -> None:
        self._template = template
        self._globals = template.globals
        self.variables = variables

    def run(self, variables: dict[str, Any]) -> str:
        """The text with these variables. Raises ValueError, fit to show."""
        token = current.set(Budget())
        try:
            context = self._template.new_context(variables)
            out: list[str] = []
            size = 0
            for piece in self._template.root_render_func(context):
                size += len(piece)
                if size > MAX_TEXT:
                    raise TooMuchWork(f"it makes a text of more than {MAX_TEXT} characters")
                out.append(piece)
            return "".join(out)
        except Exception as error:
            raise ValueError(_reason(error)) from error
        finally:
            current.reset(token)


def _reason(error: Exception) -> str:
    """Why a template failed, in one line, with the line of the template where it is known."""
    if isinstance(error, TemplateSyntaxError):
        where = f" (line {error.lineno})" if error.lineno > 1 else ""
        return f"{error.message}{where}"
    return reason(error)


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment in which programs are compiled and run.

    functions  more functions, called as in Jinja2
    filters    more filters, in Jinja2's order
    go         more functions in Go's order: called so, or as a filter on their last argument
    finish     what happens to every value on its way into the text
    """

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})

    def __init__(
        self,
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        filters: Mapping[str, Callable[..., Any]] | None = None,
        go: Mapping[str, Callable[..., Any]] | None = None,
        finish: Callable[[Any], str] = show,
    ) -> None:
        super().__init__(undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0)
        self.finalize = lambda value: finish(_no_function(value))
        plain = {name: JINJA_FILTERS[name] for name in _JINJA_FILTERS}
        plain |= {"default": default, "d": default, "join": join, "replace": replace, "round": round_}
        plain |= {"string": show, **(filters or {})}
        ordered = {**FUNCTIONS, **(go or {})}
        self.filters = {
            **{name: _bounded(name, function) for name, function in plain.items()},
            **{name: _bounded(name, _last(function)) for name, function in ordered.items()},
            "_pairs": _bounded("range", pairs),
            "_each": lambda items: current.get().each(items),
            "_join": concatenate,
        }
        self.globals = {
            **{name: _bounded(name, function) for name, function in ordered.items() if name != "value"},
            **{name: _bounded(name, function) for name, function in (functions or {}).items()},
            "range": _range,
            "namespace": Namespace,
        }

    def program(self, source: str, variables: Collection[str]) -> Program:
        """Compiles Jinja2 source that may use `variables`. Raises TemplateError, fit to show."""
        if len(source) > MAX_TEXT:
            raise TemplateError(f"the template has more than {MAX_TEXT} characters")
        token = current.set(Budget())
        try:
            tree = self.parse(source)
            names = list(tree.find_all(nodes.Name))
            used = frozenset(name.name for name in names if name.ctx == "load")
            known = {*variables, *self.globals, *(name.name for name in names if name.ctx != "load"), "loop"}
            for name in sorted(used - known):
                raise TemplateError(UNAVAILABLE.get(name) or f"{name} is unknown{meant(name, known)}")
            _Walls(self).visit(tree)
            code = self.compile(tree)
            return Program(Template.from_code(self, code, dict(self.globals)), used)
        except TemplateError:
            raise
        except Exception as error:
            raise TemplateError(_reason(error)) from error
        finally:
            current.reset(token)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Names):
            return obj[attribute]
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Names):
            return obj[show(argument)]
        return super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        if isinstance(obj, Duration):
            return attr in _DURATION_PARTS
        return isinstance(obj, View | Moment | Namespace | LoopContext) and not attr.startswith("_")

    def wrap_str_format(self, value: Any) -> None:
        """No way round `is_safe_attribute` for str.format: a width would fill the memory."""

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        owner = getattr(__obj, "__self__", None)
        current.get().spend(CALL + (len(owner) if isinstance(owner, str) else 0))
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers; `+` also joins two texts or two lists. Whole numbers stay small."""
        if isinstance(left, int | float) and isinstance(right, int | float):
            if operator == "**" or max(abs(left), abs(right)) >= 2**53:
                left, right = float(left), float(right)
            return super().call_binop(context, operator, left, right)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            current.get().spend(len(left) + len(right))
            return checked(left + right)
        if operator == "+" and isinstance(left, list) and isinstance(right, list):
            current.get().spend(len(left) + len(right))
            return left + right
        names = f"{_kind(left)} {operator} {_kind(right)}"
        raise TemplateError(f"{names} is not possible; ~ joins texts, printf formats numbers")


def _no_function(value: Any) -> Any:
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType | type):
        raise TemplateError(f"{value.__name__} is a function and needs its arguments")
    return value


def _kind(value: Any) -> str:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    return "text" if isinstance(value, str) else "number" if isinstance(value, int | float) else "list"


class _Walls(NodeTransformer):
    """Refuses what is not allowed, and puts counters into what is."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, _ALLOWED):
            raise TemplateError(f"{type(node).__name__.lower()} is not available in templates{_line(node)}")
        return super().visit(node, *args, **kwargs)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        known = self.sandbox.filters
        if node.name not in known:
            unknown = f"{node.name} is not a function or filter{meant(node.name, known)}{_line(node)}"
            raise TemplateError(UNAVAILABLE.get(node.name, unknown))
        return self.generic_visit(node)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            raise TemplateError(f"a recursive loop is not available in templates{_line(node)}")
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_each", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_join", [], [], None, None, lineno=node.lineno)


def _line(node: nodes.Node) -> str:
    return f" (line {node.lineno})" if node.lineno > 1 else ""


# --- filters -----------------------------------------------------------------------------------


def _last(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of Go's order as a filter: what is piped in becomes the last argument."""

    def piped(value: Any, *args: Any) -> Any:
        return function(*args, value)

    return piped


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, paying for the texts and lists it takes and makes."""

    @wraps(function)
    def paying(*args: Any, **kwargs: Any) -> Any:
        budget = current.get()
        budget.spend(CALL)
        for arg in args:
            if isinstance(arg, Undefined) and function is not default:
                arg._fail_with_undefined_error()
            budget.spend(len(arg) if isinstance(arg, str | list | tuple | range) else 0)
        try:
            result = function(*args, **kwargs)
        except TypeError as error:
            inner = error.__traceback__.tb_next if error.__traceback__ else None
            if inner is None or (inner.tb_next is None and inner.tb_frame.f_code.co_name == "piped"):
                raise TypeError(f"{name} does not take these arguments") from None
            raise
        return checked(result) if isinstance(result, str) else result

    paying.__name__ = name
    return paying


def default(value: Any, fallback: Any = "", *_: Any) -> Any:
    """`fallback` for what is not there; an empty label is one that is not there."""
    return fallback if isinstance(value, Undefined) or value == "" or value is None else value


def join(values: Iterable[Any], separator: str = "") -> str:
    parts = [show(value) for value in values]
    if sum(map(len, parts)) + len(separator) * len(parts) > MAX_TEXT + len(separator):
        raise TooMuchWork(f"it makes a text of more than {MAX_TEXT} characters")
    return show(separator).join(parts)


def concatenate(values: Sequence[Any]) -> str:
    """Jinja2's `~`."""
    current.get().spend(sum(len(value) for value in values if isinstance(value, str)))
    return join(values)


def replace(text: Any, old: Any, new: Any, count: int = -1) -> str:
    subject, old, new = show(text), show(old), show(new)
    found = subject.count(old) if count < 0 else min(count, subject.count(old))
    if len(subject) + found * (len(new) - len(old)) > MAX_TEXT:
        raise TooMuchWork(f"it makes a text of more than {MAX_TEXT} characters")
    return subject.replace(old, new, count)


def round_(value: Any, precision: int = 0, method: str = "common") -> float:
    """Jinja2's round, for at most 15 places."""
    places = max(-15, min(15, int(precision)))
    if method == "common":
        return round(float(value), places)
    rounded: float = JINJA_FILTERS["round"](float(value), places, method)
    return rounded


def pairs(values: Any) -> list[tuple[Any, Any]]:
    """What Go's range goes through: label name and value, or place and item."""
    if isinstance(values, Mapping):
        return [(name, values[name]) for name in sorted(values)]
    if isinstance(values, list | tuple):
        return list(enumerate(values))
    raise ValueError(f"range can't iterate over {show(values)[:80]!r}")


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_TURNS:
        raise TooMuchWork(f"range goes over more than {MAX_TURNS} numbers")
    return numbers
