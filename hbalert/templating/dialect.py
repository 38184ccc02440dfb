"""From the way Prometheus' rules are written (Go templates) to Jinja2.

Knows Go's actions and blocks, and which names a rule's text has. Must not know what the functions
answer nor how Jinja2 runs. A text may mix both ways: an action that reads as Go is translated, in
any other only the names are ($value, $labels.x, .Value, .Labels.x), and only outside strings.
Next: `sandbox.py`.

    {{ $labels.bot }}                  {{ labels.bot }}
    {{ printf "%.2f" $value }}         {{ (value)|printf("%.2f") }}
    {{ if gt $value 5.0 }}..{{ end }}  {% if (5.0)|gt(value) %}..{% endif %}
    {{ $value > 5 }}                   {{ value > 5 }}

A text that {{ define }} names is written out wherever {{ template }} uses it: programs have no macros.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from hbalert.templating.expressions import TOKEN, Token, meant, rename, translate_expression
from hbalert.templating.failure import TemplateError

VARIABLES = {
    "labels": "labels",
    "value": "value",
    "externalLabels": "external_labels",
    "externalURL": "external_url",
    "activeAt": "active_at",
    "expr": "expr",
    "for": "hold",
    "type": "type",
    "interval": "interval",
    "groupID": "group_id",
    "alertID": "alert_id",
    "isPartial": "is_partial",
}
"""Prometheus' and vmalert's $names and what they are called in Jinja2."""

FIELDS = {
    "Labels": "labels",
    "Value": "value",
    "ExternalLabels": "external_labels",
    "ExternalURL": "external_url",
    "ActiveAt": "active_at",
    "Expr": "expr",
    "For": "hold",
    "Type": "type",
    "Interval": "interval",
    "GroupID": "group_id",
    "AlertID": "alert_id",
    "IsPartial": "is_partial",
}
"""Prometheus' .Names, likewise."""

_UNSUPPORTED = frozenset({"break", "continue"})
_OPENS = frozenset({"if", "with", "range", "define", "block"})
_OPENING = re.compile(r"\{\{|\{%|\{#")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}", re.DOTALL)
_COMMENT = re.compile(r"\{\{(-\s)?\s*/\*.*?\*/(\s+-)?\s*\}\}", re.DOTALL)


MOST_DEEP, MOST_USES = 10, 100
"""Defined texts that may stand within each other, and uses of them in one text."""


def translate(text: str) -> str:
    """The Jinja2 source that means what `text` means. Raises TemplateError."""
    try:
        return _Translator(text).run()
    except RecursionError:
        raise TemplateError("it is nested too deeply") from None


@dataclass(slots=True)
class _Block:
    """An open if, range or with, or a named text where it is used.

    dot     what `.` means in it; None: nothing was handed over to a named text
    names   what it declares
    closed  a named text: names from outside are not there
    """

    kind: str
    dot: str | None
    names: dict[str, str] = field(default_factory=dict)
    else_seen: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class _Action:
    """What stands between {{ and }}, or {% and %}; left and right are the signs that trim."""

    tokens: Sequence[Token]
    left: str
    right: str
    lines: str

    @property
    def word(self) -> str:
        return self.tokens[0].text if self.tokens and self.tokens[0].kind == "name" else ""


class _Translator:
    """Goes through a text once; answers what a name means at the place it has reached (Names)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blocks = [_Block("text", "")]
        self.made = 0
        self.defined: dict[str, str] = {}
        self.within: list[str] = []
        self.uses = 0

    def run(self) -> str:
        self.text = self.take_out()
        return self.whole()

    def take_out(self) -> str:
        """The text without its definitions, which are remembered. Lines stay where they are."""
        out: list[str] = []
        position = depth = 0
        opened: tuple[int, int, _Action] | None = None
        for start, end, action in self.actions():
            if action.word == "define":
                if depth:
                    raise TemplateError("{{ define }} inside another block; write it before that")
                opened = start, end, action
            if action.word == "end" and len(action.tokens) == 1:
                depth -= 1
                if depth == 0 and opened is not None:
                    begin, body, first = opened
                    self.define(first, self.text[body:start], action)
                    lines = "\n" * self.text.count("\n", begin, end)
                    left, right = "- " if first.left else "", " -" if action.right else ""
                    out += [self.text[position:begin], f"{{{{{left}/*{lines}*/{right}}}}}"]
                    position, opened = end, None
            depth = max(0, depth + (action.word in _OPENS))
        if opened is not None:
            raise TemplateError("{{ define }} is never closed; write {{ end }}")
        return "".join([*out, self.text[position:]])

    def actions(self) -> Iterator[tuple[int, int, _Action]]:
        """Each {{ action }} with its place; no comments, and nothing of Jinja2's."""
        position = 0
        while found := _OPENING.search(self.text, position):
            start = found.start()
            plain = self.text.startswith("{{", start)
            if plain and not _COMMENT.match(self.text, start):
                action, position = self.read(start)
                yield start, position, action
            elif self.text.startswith("{%", start) and not _RAW.match(self.text, start):
                _, position = self.read(start)
            else:
                _, position = self.piece(start)

    def define(self, opening: _Action, body: str, closing: _Action) -> None:
        name, more = self.named(opening)
        if more:
            raise TemplateError(f"{{{{ define }}}} takes a name and nothing else, not {more[0].text}")
        if name in self.defined:
            raise TemplateError(f'{{{{ define "{name}" }}}} is there twice')
        body = body.lstrip() if opening.right else body
        self.defined[name] = body.rstrip() if closing.left else body

    def named(self, action: _Action) -> tuple[str, Sequence[Token]]:
        """The name in define, block and template, and the words behind it."""
        tokens = action.tokens[1:]
        if not tokens or tokens[0].kind != "string":
            raise TemplateError(f"{{{{ {action.word} }}}} needs a name between quotes")
        return tokens[0].text[1:-1], tokens[1:]

    def use(self, action: _Action) -> str:
        """A named text, written out, about the value that it is handed."""
        name, value = self.named(action)
        self.uses += 1
        if name not in self.defined:
            known = meant(name, self.defined)
            what = f'there is no {{{{ define "{name}" }}}} in this text{known}'
            raise TemplateError(f'{{{{ template "{name}" }}}}: {what}')
        if name in self.within:
            raise TemplateError(f'{{{{ define "{name}" }}}} uses itself')
        if len(self.within) >= MOST_DEEP or self.uses > MOST_USES:
            raise TemplateError("defined texts use each other too often, or too deeply")
        block, setting = self.about("template", value)
        text, blocks = self.text, self.blocks
        self.text, self.blocks = self.defined[name], [block]
        self.within.append(name)
        body = self.whole()
        self.within.pop()
        self.text, self.blocks = text, blocks
        closing = "{# -#}" if action.right else ""
        opening = f"{{%{action.left} {setting} %}}" if setting else f"{{#{action.left} #}}"
        return f"{opening}{body}{closing}"

    def about(self, kind: str, value: Sequence[Token]) -> tuple[_Block, str]:
        """The block of a named text, and the statement that holds what it is about."""
        if not value:
            return _Block(kind, None, closed=True), ""
        if len(value) == 1 and value[0].text in (".", "$") and self.blocks[-1].dot == "":
            return _Block(kind, "", closed=True), ""
        held = self.fresh()
        return _Block(kind, held, closed=True), f"set {held} = {translate_expression(value, self)}"

    def whole(self) -> str:
        outermost = len(self.blocks)
        out: list[str] = []
        position = 0
        while found := _OPENING.search(self.text, position):
            out.append(self.text[position : found.start()])
            piece, position = self.piece(found.start())
            out.append(piece)
        out.append(self.text[position:])
        if len(self.blocks) > outermost:
            raise TemplateError(f"{{{{ {self.blocks[-1].kind} }}}} is never closed; write {{{{ end }}}}")
        return "".join(out)

    def piece(self, start: int) -> tuple[str, int]:
        """The translation of what begins at `start` with {{, {% or {#, and where it ends."""
        if self.text.startswith("{#", start):
            end = self.text.find("#}", start)
            return ('{{ "{#" }}', start + 2) if end < 0 else (self.text[start : end + 2], end + 2)
        if raw := _RAW.match(self.text, start):
            return raw[0], raw.end()
        if comment := _COMMENT.match(self.text, start):
            left, right = "-" if comment[1] else "", "-" if comment[2] else ""
            return "{#" + left + "\n" * comment[0].count("\n") + right + "#}", comment.end()
        action, end = self.read(start)
        if self.text.startswith("{%", start):
            return f"{{%{action.left} {rename(action.tokens, self)} {action.right}%}}", end
        return self.translate_action(action), end

    def read(self, start: int) -> tuple[_Action, int]:
        """Takes an action apart into words; a closing sign inside a string does not count."""
        opening, closing = self.text[start : start + 2], "}}" if self.text[start + 1] == "{" else "%}"
        position = start + 2
        left = right = ""
        if self.text.startswith("-", position) and not self.text[position + 1 : position + 2].isdigit():
            left, position = "-", position + 1
        tokens: list[Token] = []
        depth, spaced, first = 0, True, position
        while depth or not self.text.startswith(closing, position):
            if not depth and self.text.startswith("-" + closing, position):
                right, position = "-", position + 1
                break
            found = TOKEN.match(self.text, position)
            if found is None:
                raise TemplateError(f"{opening} is never closed; write {closing}")
            position = found.end()
            if found.lastgroup == "space":
                spaced = True
                continue
            token = Token(str(found.lastgroup), found[0], spaced)
            if token.kind == "op" and token.text in "\"'`":
                raise TemplateError(f"a string that begins with {token.text} is never closed")
            if token.kind == "name" and token.text.startswith("_"):
                raise TemplateError(f"{token.text}: names that begin with _ are reserved")
            depth = max(0, depth + {"{": 1, "}": -1}.get(token.text, 0))
            tokens.append(token)
            spaced = False
        lines = "\n" * self.text.count("\n", first, position)
        return _Action(tokens, left, right, lines), position + 2

    # --- one {{ action }} ------------------------------------------------------------------------

    def translate_action(self, action: _Action) -> str:
        tokens, word = action.tokens, action.word
        if not tokens:
            raise TemplateError("{{ }} holds nothing")
        if word in _UNSUPPORTED:
            raise TemplateError(f"{{{{ {word} }}}} is not supported; write the text in place")
        if word == "template":
            return self.use(action)
        if word == "block":
            _, value = self.named(action)
            block, setting = self.about("block", value)
            self.blocks.append(block)
            return _statement(action, setting) if setting else f"{{#{action.left} {action.right}#}}"
        if word in ("if", "with", "range"):
            return _statement(action, *self.open(word, tokens[1:]))
        if word == "else":
            return _statement(action, self.otherwise(tokens[1:]))
        if word == "end" and len(tokens) == 1:
            if len(self.blocks) == 1:
                raise TemplateError("{{ end }} without {{ if }}, {{ range }} or {{ with }} before it")
            kind = self.blocks.pop().kind
            if kind == "block":
                return f"{{#{action.left} {action.lines}{action.right}#}}"
            return _statement(action, "endfor" if kind == "range" else "endif")
        if tokens[0].kind == "variable" and len(tokens) > 1 and tokens[1].text in (":=", "="):
            source = translate_expression(tokens[2:], self)
            return _statement(action, self.assign(tokens[0].text[1:], tokens[1].text, source))
        source = translate_expression(tokens, self)
        return f"{{{{{action.left} {source} {action.lines}{action.right}}}}}"

    def open(self, word: str, tokens: Sequence[Token]) -> list[str]:
        declares = next((i for i, token in enumerate(tokens[:5]) if token.text == ":="), -1)
        names = [token.text[1:] for token in tokens[: declares + 1] if token.kind == "variable"]
        source = translate_expression(tokens[declares + 1 :], self)
        block = _Block(word, self.blocks[-1].dot)
        self.blocks.append(block)
        if word == "range":
            key, item = self.fresh(), self.fresh()
            block.dot = item
            block.names.update(zip(names, (key, item) if len(names) > 1 else (item,), strict=False))
            return [f"for {key}, {item} in ({source})|_pairs"]
        if word == "if" and not names:
            return [f"if {source}"]
        held = self.fresh()
        block.names.update(dict.fromkeys(names, held))
        if word == "with":
            block.dot = held
        return [f"set {held} = {source}", f"if {held}"]

    def otherwise(self, tokens: Sequence[Token]) -> str:
        block = self.blocks[-1]
        if len(self.blocks) == 1 or block.else_seen or block.kind == "block":
            raise TemplateError("{{ else }} without an open {{ if }}, {{ range }} or {{ with }}")
        block.dot = self.blocks[-2].dot
        if not tokens:
            block.else_seen = True
            return "else"
        if tokens[0].text != "if" or block.kind != "if":
            raise TemplateError(f"{{{{ else {tokens[0].text} }}}} is not supported here")
        return f"elif {translate_expression(tokens[1:], self)}"

    def assign(self, name: str, op: str, source: str) -> str:
        if op == ":=":
            self.blocks[-1].names[name] = variable = self.fresh()
            return f"set {variable} = {source}"
        for depth, block in enumerate(reversed(self.blocks)):
            if name in block.names:
                inner = self.blocks[len(self.blocks) - depth :]
                if any(block.kind == "range" for block in inner):
                    raise TemplateError(f"${name} = ... inside {{{{ range }}}} is not supported")
                return f"set {block.names[name]} = {source}"
        raise TemplateError(f"${name} = ... before ${name} := ...")

    def fresh(self) -> str:
        """A name that no author can write."""
        self.made += 1
        return f"_{self.made}"

    # --- names -----------------------------------------------------------------------------------

    def variables(self) -> Collection[str]:
        return VARIABLES.values()

    def variable(self, name: str) -> str:
        for block in reversed(self.blocks):
            if name in block.names:
                return block.names[name]
            if block.closed:
                raise TemplateError(
                    f"${name} is not there inside {{{{ define }}}}: hand it over, "
                    f'{{{{ template "name" ${name} }}}}, and write . for it'
                )
        if name in VARIABLES:
            return VARIABLES[name]
        known = ", ".join(f"${known}" for known in VARIABLES)
        raise TemplateError(f"${name} is unknown{meant(name, VARIABLES, '$')}; there are {known}")

    def field(self, name: str) -> str:
        dot = self.blocks[-1].dot
        if dot is None:
            return f"{self.dot()}.{name}"
        return f"{dot}.{name}" if dot else self.root(name)

    def root(self, name: str) -> str:
        """`$.name`, or `.name` at the top. `$` is what a named text is about."""
        about = next((block.dot for block in reversed(self.blocks) if block.closed), "")
        if about:
            return f"{about}.{name}"
        if name in FIELDS:
            return FIELDS[name]
        known = ", ".join(f".{known}" for known in FIELDS)
        raise TemplateError(f".{name} is unknown{meant(name, FIELDS, '.')}; there are {known}")

    def dot(self) -> str:
        dot = self.blocks[-1].dot
        if dot is None:
            raise TemplateError('. is nothing here: {{ template "name" value }} hands a value over')
        if not dot:
            raise TemplateError(". alone is not supported here; write $labels or $value")
        return dot


def _statement(action: _Action, *sources: str) -> str:
    """{% statements %} in place of one action, trimming where the action does."""
    joined = " %}{% ".join(sources)
    return f"{{%{action.left} {joined} {action.lines}{action.right}%}}"
