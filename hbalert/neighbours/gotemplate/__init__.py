"""Go's templates, as Alertmanager's messages are written in them, to Jinja2.

    tokens   text -> pieces: raw text, and actions taken apart into words
    parse    pieces -> tree: what is shown, chosen, repeated
    values   what Alertmanager's values are called here, and what can be asked of each
    page     where in HTML a value stands
    calls    Go's functions
    scope    what names and expressions mean at one place
    jinja    the tree -> Jinja2
    stock    the templates that every Alertmanager has

Knows both languages. Must not know configuration files. The texts of rules, which may mix both ways in
one action and are read anew at every start, are `templating/dialect.py`'s.
"""

from hbalert.neighbours.gotemplate.jinja import Library, Untranslatable

__all__ = ["Library", "Untranslatable"]
