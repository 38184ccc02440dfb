"""Templates: from Alertmanager's files and keys to ours.

Knows where templates stand and where they go, and that one which cannot be translated costs nothing but
itself: the built-in text takes its place, and the report names the line. Must not know Go's templates
(`gotemplate/`) or channels.
"""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from hbalert.config.files import read_file
from hbalert.neighbours.folder import NewFile
from hbalert.neighbours.gotemplate import Library, Untranslatable
from hbalert.neighbours.keys import Keys
from hbalert.neighbours.yaml_tree import Scalar
from hbalert.render import check_template

FOLDER = "notifiers/templates"
MAX_BYTES = 1024 * 1024

_ENDINGS = {"html": "html", "text": "txt"}
_MARK = re.compile(r"\{#.*?#\}", re.DOTALL)
_STOCK = re.compile(r'\s*\{\{-?\s*template\s+"(email\.default\.(?:html|subject))"\s+\.\s*-?\}\}\s*')
_INSTEAD = "the built-in text is used; write your own in Jinja2 (docs/templates.md)"


class Texts:
    """The templates of one configuration. `files`: those to be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, NewFile] = {}
        self.library = Library()

    def load(self, top: Keys) -> None:
        """Reads the files that `templates` names."""
        for pattern, line, path in top.texts("templates"):
            found = sorted(glob.glob(str(self.folder / pattern), recursive=False))
            if not found:
                instead = "copy the files there, or change the path, and import again"
                top.report.lacks(line, path, f"{pattern} names no file on this machine", instead)
            for name in found:
                try:
                    text = read_file(Path(name), 4 * MAX_BYTES).decode("utf-8")
                    if len(text) > MAX_BYTES:
                        raise ValueError(f"it has more than {MAX_BYTES} characters")
                    self.library.add(text, os.path.basename(name), name)
                except Untranslatable as error:
                    top.report.lacks(error.line, "", f"{error}", _INSTEAD, file=name)
                except (OSError, ValueError) as error:
                    top.report.lacks(line, path, f"{name} cannot be read: {error}", _INSTEAD)

    def is_built_in(self, text: str) -> bool:
        """Whether a text is Alertmanager's own, which no file of the operator's changes."""
        found = _STOCK.fullmatch(text)
        ours = {
            "__subject",
            "__alertmanager",
            "__alertmanagerURL",
            "email.default.html",
            "email.default.subject",
        }
        return found is not None and not (ours & self.library.own.keys())

    def make(self, table: Keys, key: str, given: Scalar, style: str) -> str | None:
        """A template in Jinja2; None, and a line in the report, where there can be none.

        style  "line" for a subject or a header, "html" for a page, "text"
        """
        if self.is_built_in(given.text):
            return None
        begin = given.line + (given.style in ("|", ">"))
        is_header = style == "line" and key.lower() != "subject"
        instead = "the header is left out" if is_header else _INSTEAD
        try:
            made = self.library.translate(given.text, "", page=style == "html")
        except Untranslatable as error:
            if error.origin:
                table.report.lacks(
                    error.line, "", f"{error}", f"{table.at(key)} uses it: {instead}", file=error.origin
                )
            else:
                table.report.lacks(begin + max(0, error.line - 1), table.at(key), str(error), instead)
            return None
        if wrong := check_template(made, style, empty=is_header):
            table.report.lacks(begin, table.at(key), f"tried on an alert, {wrong[0]}", instead)
            return None
        if ".Local" in made:
            table.hint(
                key, "Local is the zone of the notifier here", 'its key timezone says which: "Asia/Shanghai"'
            )
        return made

    def constant(self, text: str) -> str | None:
        """What a text says whatever the alert is: `{{ template "email.to" . }}` may be an address."""
        if "{{" not in text:
            return text.strip()
        try:
            made = _MARK.sub("", self.library.translate(text, ""))
        except Untranslatable:
            return None
        return None if re.search(r"\{[{%]", made) else made.strip()

    def keep(self, made: str, wish: str, style: str) -> str:
        """The path of a file that holds a template; equal ones share one."""
        ending = _ENDINGS[style]
        for path, file in self.files.items():
            if file.text == made and path.endswith(ending):
                return path
        path, number = f"{FOLDER}/{wish}.{ending}", 1
        while path in self.files:
            number += 1
            path = f"{FOLDER}/{wish}_{number}.{ending}"
        self.files[path] = NewFile(made)
        return path
