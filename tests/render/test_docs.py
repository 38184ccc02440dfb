"""docs/templates.md: what it shows works, and what there is stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hbalert.render import check_template
from hbalert.render.own import VARIABLES, AlertView

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text("utf-8")


def shown() -> list[str]:
    """Every template on the page: in code blocks, and between backquotes."""
    blocks = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    blocks += re.findall(r'= "([^"\n]*\{\{.*)"(?:\s*#.*)?$', PAGE, re.MULTILINE)
    rest = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    return blocks + [each.replace("\\|", "|") for each in re.findall(r"`([^`]*\{[{%] [^`]*)`", rest)]


@pytest.mark.parametrize("template", [each for each in shown() if "{{ }}" not in each])
def test_a_template_on_the_page_works(template: str) -> None:
    closed = template + "{% endif %}" * ("{% if" in template and "{% endif" not in template)
    text = "{% set alert = alerts[0] %}" + closed
    assert [what for what in check_template(text, "html", empty=True) if "humanize" not in closed] == []


def test_every_name_is_on_the_page() -> None:
    for name in (*VARIABLES, *AlertView.__slots__):
        assert f"`{name}`" in PAGE, name
