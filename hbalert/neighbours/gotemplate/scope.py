"""What names and expressions mean at one place of a template.

Knows `$`, `.`, the variables of the open blocks, and how an expression becomes a value. Must not know
blocks or raw text. Next: `jinja.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hbalert.neighbours.gotemplate.calls import call, constant, shown
from hbalert.neighbours.gotemplate.parse import unquote
from hbalert.neighbours.gotemplate.tokens import Untranslatable
from hbalert.neighbours.gotemplate.tree import (
    Block,
    Call,
    Command,
    Dot,
    Expression,
    Fields,
    Literal,
    Node,
    Pipeline,
    Set,
    Template,
    Variable,
)
from hbalert.neighbours.gotemplate.values import Kind, NoSuchField, Value, part, text


class Scope:
    """The names of one template.

    root     what it was given: `$`
    dots     what `.` is, in each open block
    frames   variables, in each open block
    changed  variables that get another value somewhere
    """

    def __init__(self, template: Template, root: Value) -> None:
        self.template = template
        self.root = root
        self.dots = [root]
        self.frames: list[dict[str, Value]] = [{}]
        self.changed = frozenset(_reassigned(template.body))

    def find(self, name: str) -> Value | None:
        return next((frame[name] for frame in reversed(self.frames) if name in frame), None)

    def wrong(self, what: str, line: int) -> Untranslatable:
        return Untranslatable(what, self.template.origin, line)

    def value(self, pipeline: Pipeline, line: int, *, show: bool = False) -> Value:
        try:
            value = self.pipeline(pipeline)
            return shown(value) if show else value
        except NoSuchField as error:
            raise self.wrong(str(error), line) from None
        except RecursionError:
            raise self.wrong("it is nested too deeply", line) from None

    def pipeline(self, pipeline: Pipeline) -> Value:
        first, *others = pipeline.commands
        value = self.command(first, None)
        for command in others:
            value = self.command(command, value)
        return value

    def command(self, command: Command, piped: Value | None) -> Value:
        arguments = [self.operand(each) for each in command.arguments]
        arguments += [piped] if piped is not None else []
        first = command.first
        if isinstance(first, Call):
            return call(first.name, arguments)
        if not arguments:
            return self.operand(first)
        if isinstance(first, Fields):
            *path, last = first.names
            return part(self.fields(first.of, path), last, arguments)
        raise NoSuchField("only functions and methods take arguments")

    def operand(self, expression: Expression) -> Value:
        match expression:
            case Literal(word):
                is_text = word.kind == "string" and word.text[0] != "'"
                return (
                    Value(text(unquote(word.text)), Kind.TEXT) if is_text else constant(word.text, word.kind)
                )
            case Dot():
                return self.dots[-1]
            case Variable(name):
                return self.variable(name)
            case Call(name):
                return call(name, [])
            case Fields(of, names):
                return self.fields(of, names)
            case Pipeline():
                return self.pipeline(expression)

    def fields(self, of: Expression, names: Sequence[str]) -> Value:
        value = self.operand(of)
        for name in names:
            value = part(value, name)
        return value

    def variable(self, name: str) -> Value:
        if not name:
            return self.root
        found = self.find(name)
        if found is None:
            hint = (
                "; that is a name of Prometheus' rules"
                if name in ("labels", "value", "externalLabels")
                else ""
            )
            raise NoSuchField(f"${name} is not set{hint}")
        return found


def _reassigned(nodes: Sequence[Node]) -> Iterator[str]:
    """Variables that get another value somewhere."""
    for node in nodes:
        if isinstance(node, Set) and node.again:
            yield node.name
        elif isinstance(node, Block):
            for branch in node.branches:
                yield from _reassigned(branch.body)
