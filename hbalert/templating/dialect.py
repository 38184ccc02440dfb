"""From the way Prometheus' rules are written (Go templates) to Jinja2.

Knows Go's actions and blocks, and which names a rule's text has. Must not know what the functions
answer nor how Jinja2 runs. A text may mix both ways: an action that reads as Go is translated, in
any other only the names are ($value, $labels.x, .Value, .Labels.x), and only outside strings.
Next: `sandbox.py`.

    {{ $labels.bot }}                  {{ labels.bot }}
    {{ printf "%.2f" $value }}         {{ (value)|printf("%.2f") }}
    {{ if gt $value 5.0 }}..{{ end }}  {% if (5.0)|gt(value) %}..{% endif %}
    {{ $value > 5 }}                   {{ value > 5 }}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
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

_UNSUPPORTED = frozenset({"define", "template", "block", "break", "continue"})
_OPENING = re.compile(r"\{\{|\{%|\{#")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}", re.DOTALL)
_COMMENT = re.compile(r"\{\{(-\s)?\s*/\*.*?\*/(\s+-)?\s*\}\}", re.DOTALL)


def translate(text: str) -> str:
    """The Jinja2 source that means what `text` means. Raises TemplateError."""
    try:
        return _Translator(text).run()
    except RecursionError:
        raise TemplateError("it is nested too deeply") from None


@dataclass(slots=True)
class _Block:
    """An open if, range or with. `dot` is what `.` means in it; `names` what it declares."""

    kind: str
    dot: str
    names: dict[str, str] = field(default_factory=dict)
    else_seen: bool = False


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

    def run(self) -> str:
        out: list[str] = []
        position = 0
        while found := _OPENING.search(self.text, position):
            out.append(self.text[position : found.start()])
            piece, position = self.piece(found.start())
            out.append(piece)
        out.append(self.text[position:])
        if len(self.blocks) > 1:
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
        if word in ("if", "with", "range"):
            return _statement(action, *self.open(word, tokens[1:]))
        if word == "else":
            return _statement(action, self.otherwise(tokens[1:]))
        if word == "end" and len(tokens) == 1:
            if len(self.blocks) == 1:
                raise TemplateError("{{ end }} without {{ if }}, {{ range }} or {{ with }} before it")
            return _statement(action, "endfor" if self.blocks.pop().kind == "range" else "endif")
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
        if len(self.blocks) == 1 or block.else_seen:
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
        if name in VARIABLES:
            return VARIABLES[name]
        known = ", ".join(f"${known}" for known in VARIABLES)
        raise TemplateError(f"${name} is unknown{meant(name, VARIABLES, '$')}; there are {known}")

    def field(self, name: str) -> str:
        dot = self.blocks[-1].dot
        return f"{dot}.{name}" if dot else self.root(name)

    def root(self, name: str) -> str:
        if name in FIELDS:
            return FIELDS[name]
        known = ", ".join(f".{known}" for known in FIELDS)
        raise TemplateError(f".{name} is unknown{meant(name, FIELDS, '.')}; there are {known}")

    def dot(self) -> str:
        if not self.blocks[-1].dot:
            raise TemplateError(". alone is not supported here; write $labels or $value")
        return self.blocks[-1].dot


def _statement(action: _Action, *sources: str) -> str:
    """{% statements %} in place of one action, trimming where the action does."""
    joined = " %}{% ".join(sources)
    return f"{{%{action.left} {joined} {action.lines}{action.right}%}}"
