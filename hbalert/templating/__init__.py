"""The texts of rules, as users of Prometheus write them or as Jinja2: from template to text.

    dialect, expressions   Go's way to write a template -> Jinja2
    functions              Prometheus' functions; gofmt, gotime: how Go prints numbers and times
    sandbox, budget        what a template may use and how much
    plain                  the commonest texts, without Jinja2
    full                   all others
    failure                what is wrong with a text
    template               compile, check, expander

Knows no rules, no messages, no clock. A text is compiled once and remembered. What a label holds is
never read as a template.
"""

from hbalert.templating.failure import TemplateError
from hbalert.templating.template import Template, check, compile, expander

__all__ = ["Template", "TemplateError", "check", "compile", "expander"]
