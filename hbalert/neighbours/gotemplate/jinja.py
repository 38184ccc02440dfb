"""From the tree of a Go template to Jinja2.

Knows blocks, and that a template that uses another one has its text put in place: so every value's kind
is known when it is translated. Must not know files or configuration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hbalert.neighbours.gotemplate.calls import RESERVED, truth
from hbalert.neighbours.gotemplate.page import NoPlace, Place
from hbalert.neighbours.gotemplate.parse import parse
from hbalert.neighbours.gotemplate.scope import Scope
from hbalert.neighbours.gotemplate.stock import HTML, STOCK_TEXTS, STOCK_VALUES
from hbalert.neighbours.gotemplate.tokens import Trim, Untranslatable
from hbalert.neighbours.gotemplate.tree import (
    Block,
    Branch,
    Call,
    Command,
    Comment,
    Node,
    Pipeline,
    Raw,
    Set,
    Show,
    Template,
    Use,
)
from hbalert.neighbours.gotemplate.values import Bind, Kind, Value, notification, pair
from hbalert.render.own import VARIABLES
from hbalert.templating.budget import MAX_TEXT
from hbalert.templating.expressions import meant

MOST_USES = 20
"""Templates that use one another, one within the other."""

_TAKEN = {
    *VARIABLES,
    *RESERVED,
    "loop",
    "range",
    "namespace",
    "true",
    "false",
    "none",
    "and",
    "or",
    "not",
    "in",
    "is",
}
_TAKEN |= {"if", "else", "for", "set", "self", "value"}

_JINJA_SIGN = re.compile(r"\{[{%#]")

__all__ = ["Library", "Untranslatable"]


class Library:
    """The named templates of an Alertmanager: its own, and those of the operator's files."""

    def __init__(self) -> None:
        self._named: dict[str, Template] = {}
        self.own: dict[str, Template] = {}
        for name, text in STOCK_TEXTS.items():
            self._named[name] = parse(text, name, name).template

    def add(self, text: str, name: str, origin: str) -> None:
        """Takes in a file: what it defines and itself, as `name`. Raises Untranslatable."""
        parsed = parse(text, name, origin)
        self.own |= {name: parsed.template, **parsed.defines}

    def get(self, name: str) -> Template | None:
        return self.own.get(name) or self._named.get(name)

    def names(self) -> Sequence[str]:
        return [*self.own, *self._named, *STOCK_VALUES]

    def translate(self, text: str, origin: str, *, page: bool = False) -> str:
        """The Jinja2 text that says the same. Raises Untranslatable.

        page  it is HTML: values are made harmless for where they stand
        """
        parsed = parse(text, "", origin)
        return _Writer(self, parsed.defines, page).run(parsed.template)


class _Writer:
    """Writes one text. `place` is where in the page it has got to."""

    def __init__(self, library: Library, defines: Mapping[str, Template], page: bool) -> None:
        self.library = library
        self.defines = defines
        self.place = Place() if page else None
        self.out: list[str] = []
        self.size = 0
        self.using: list[str] = []
        self.taken = set(_TAKEN)
        self.scope = Scope(Template("", "", ()), notification())

    def run(self, template: Template) -> str:
        self.scope = Scope(template, notification())
        self.nodes(template.body)
        return "".join(self.out)

    def put(self, text: str) -> None:
        self.size += len(text)
        if self.size > MAX_TEXT:
            raise self.scope.wrong(f"with all that it uses it has more than {MAX_TEXT} characters", 0)
        self.out.append(text)

    # --- nodes ---

    def nodes(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            match node:
                case Raw():
                    self.raw(node.text)
                case Comment():
                    self.comment(node.text, node.trim)
                case Show():
                    self.show(node)
                case Set():
                    self.set(node)
                case Use():
                    self.use(node)
                case Block():
                    self.block(node)

    def raw(self, written: str) -> None:
        if self.place is not None:
            self.place = self.place.after(written)
        self.put(_JINJA_SIGN.sub(lambda found: f'{{{{ "{found[0]}" }}}}', written))

    def comment(self, text: str, trim: Trim) -> None:
        self.put(f"{{#{_sign(trim.left)} {text.replace('#}', '# }')} {_sign(trim.right)}#}}")

    def statement(self, trim: Trim, *sources: str) -> None:
        joined = " %}{% ".join(sources)
        self.put(f"{{%{_sign(trim.left)} {joined} {_sign(trim.right)}%}}")

    def show(self, node: Show) -> None:
        left, right = _sign(node.trim.left), _sign(node.trim.right)
        source = self.scope.value(node.value, node.line, show=True).source
        if self.place is not None:
            source = self.harmless(node, self.place)
            self.place = self.place.after_value()
        self.put(f"{{{{{left} {source} {right}}}}}")

    def harmless(self, node: Show, place: Place) -> str:
        """What is shown at a place of a page. As in Go, `html` and `urlquery` at the end of a pipeline are
        not done twice."""
        try:
            name = place.filter()
        except NoPlace as error:
            raise self.scope.wrong(str(error), node.line) from None
        last = node.value.commands[-1]
        pipeline, escaped = node.value, last.first.name if isinstance(last.first, Call) else ""
        if escaped == "html":
            before = node.value.commands[:-1] or tuple(Command(each) for each in last.arguments[:1])
            pipeline = Pipeline(before)
        value = self.scope.value(pipeline, node.line, show=True)
        return value.filtered(name, Kind.TEXT).source if name and escaped != "urlquery" else value.source

    def set(self, node: Set) -> None:
        value = self.scope.value(node.value, node.line)
        if node.again:
            known = self.scope.find(node.name)
            if known is None:
                raise self.scope.wrong(f"${node.name} = ... before ${node.name} := ...", node.line)
            if known.kind is not value.kind or value.kind is Kind.PARTS:
                what = f"${node.name} is {known.kind.value} and becomes {value.kind.value}"
                raise self.scope.wrong(f"{what}: its kind must stay", node.line)
            self.statement(node.trim, f"set {known.source} = {value.source}")
            return
        source = self.declare(node.name, value)
        if source:
            self.statement(node.trim, source)
        else:
            self.comment(f"${node.name}", node.trim)

    def declare(self, name: str, value: Value) -> str:
        """Notes a variable; the statement that sets it, or nothing where it only names something."""
        if value.kind is Kind.PARTS:
            self.scope.frames[-1][name] = value
            return ""
        held = self.fresh(name)
        if name in self.scope.changed:  # what a loop sets would end with its turn
            self.scope.frames[-1][name] = Value(f"{held}.value", value.kind, of=value.of)
            return f"set {held} = namespace(value={value.source})"
        self.scope.frames[-1][name] = Value(held, value.kind, of=value.of)
        return f"set {held} = {value.source}"

    def use(self, node: Use) -> None:
        root = self.scope.value(node.value, node.line) if node.value else Value("none", Kind.NIL)
        template = self.defines.get(node.name) or self.library.get(node.name)
        if template is None:
            self.stock(node)
            return
        if node.name in self.using or len(self.using) >= MOST_USES:
            raise self.scope.wrong(f'the template "{node.name}" uses itself', node.line)
        mark = '"' + node.name.replace("#}", "") + '"'
        self.put(f"{{#{_sign(node.trim.left)} {mark} #}}")
        outer, self.scope = self.scope, Scope(template, root)
        self.using.append(node.name)
        self.nodes(template.body)
        self.using.pop()
        self.scope = outer
        self.put(f"{{# end {_sign(node.trim.right)}#}}")

    def stock(self, node: Use) -> None:
        if node.name == HTML:
            raise self.scope.wrong("Alertmanager's own page cannot be a part of another one", node.line)
        if node.name not in STOCK_VALUES:
            near = meant(node.name, self.library.names())
            raise self.scope.wrong(f'there is no template "{node.name}" here{near}', node.line)
        if self.place is not None:
            self.place = self.place.after_value()
        left, right = _sign(node.trim.left), _sign(node.trim.right)
        self.put(f"{{{{{left} {STOCK_VALUES[node.name].source} {right}}}}}")

    # --- blocks ---

    def block(self, node: Block) -> None:
        before = self.place
        behind: list[Place | None] = []
        opened = 0
        for index, branch in enumerate(node.branches):
            self.place = before
            if index:
                self.scope.frames.pop()
                self.scope.dots.pop()
            self.scope.frames.append({})
            self.scope.dots.append(self.scope.dots[-1])
            opened += self.open(branch, node.branches[0].word if index else "")
            self.nodes(branch.body)
            behind.append(self.place)
        self.scope.frames.pop()
        self.scope.dots.pop()
        self.place = behind[0]
        end = "endfor" if node.branches[0].word == "range" else "endif"
        self.statement(node.end, *([end] + ["endif"] * (opened - 1)))

    def open(self, branch: Branch, within: str) -> int:
        """Writes a branch's tag; how many ends it needs. `within`: the word of the block it goes on with."""
        if branch.value is None:
            self.statement(branch.trim, "else")
            return 0
        value = self.scope.value(branch.value, branch.line)
        if branch.word == "range":
            self.loop(branch, value)
            return 1
        sources: list[str] = []
        held = value
        if branch.declares or (branch.word == "with" and value.bind is not Bind.NAME):
            source = self.declare(branch.declares[0] if branch.declares else "it", value)
            sources += [source] if source else []
            held = self.scope.frames[-1][branch.declares[0] if branch.declares else "it"]
        if branch.word == "with":
            self.scope.dots[-1] = held
        condition = truth(held).source
        if within and not sources:
            self.statement(branch.trim, f"elif {condition}")
            return 0
        if within:
            self.statement(branch.trim, "else", *sources, f"if {condition}")
            return 1
        self.statement(branch.trim, *sources, f"if {condition}")
        return 1

    def loop(self, branch: Branch, value: Value) -> None:
        """The tag of a range; what it goes through decides what `.` and its variables are."""
        frame, names = self.scope.frames[-1], branch.declares
        if len(names) > 2:
            raise self.scope.wrong("range declares at most two variables", branch.line)
        key, each = (names[0] if len(names) == 2 else ""), (names[-1] if names else "")
        numbered = key
        match value.kind:
            case Kind.NAMES:
                name, held = self.fresh(key or "name"), self.fresh(each or "text")
                source, dot = (
                    f"for {name}, {held} in {value.at_least(Bind.FILTER)}|items",
                    Value(held, Kind.TEXT),
                )
                if key:
                    frame[key] = Value(name, Kind.TEXT)
                numbered = ""
            case Kind.PAIRS:
                name, held = self.fresh("name"), self.fresh("text")
                source, dot = f"for {name}, {held} in {value.source}", pair(name, held)
            case Kind.ALERTS:
                held = self.fresh(each or "alert")
                source, dot = f"for {held} in {value.source}", Value(held, Kind.ALERT)
            case Kind.LIST:
                held = self.fresh(each or "item")
                source, dot = f"for {held} in {value.source}", Value(held, value.of)
            case _:
                raise self.scope.wrong(f"range cannot go through {value.kind.value}", branch.line)
        self.scope.dots[-1] = dot
        if each:
            frame[each] = dot
        sources = [source]
        if numbered:
            place = self.fresh(numbered)
            frame[numbered] = Value(place, Kind.NUMBER)
            sources.append(f"set {place} = loop.index0")
        self.statement(branch.trim, *sources)

    def fresh(self, wish: str) -> str:
        """A name for a variable that nothing else has."""
        bare = "".join(char if char.isascii() and char.isalnum() else "_" for char in wish).strip("_") or "it"
        bare = bare if not bare[0].isdigit() else f"it{bare}"
        name, number = bare, 1
        while name in self.taken:
            number += 1
            name = f"{bare}_{number}"
        self.taken.add(name)
        return name


def _sign(trims: bool) -> str:
    return "-" if trims else ""
