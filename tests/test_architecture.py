"""Imports point one way, core is pure, and only clock.py reads time.

A rule without a lint leaks: this walks every module's syntax tree. docs/architecture.md tells the why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hbalert"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "starter" not in path.parts)

LEAVES = {
    "errors",
    "clock",
    "health",
    "log",
    "metrics",
    "metric_names",
    "promql",
    "recurrence",
    "regex",
    "templating",
    "tls",
    "certificate",
    "signals",
}
INNER = {
    "book",
    "agenda",
    "reach",
    "render",
    "speak",
    "table",
    "views",
    "memory",
    "desk",
    "engine",
    "units",
    "explain",
}
BELOW = {"core", "config", "ports"} | LEAVES
EDGES = {"sources", "storage", "channels"}

MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "errors": {"config"},  # for its annotations only
    "clock": set(),
    "log": {"errors", "clock"},
    "metrics": {"core", "clock", "metric_names"},
    "metric_names": set(),
    "health": set(),
    "promql": set(),
    "recurrence": {"core"},
    "regex": {"core", "errors"},
    "templating": {"core", "config", "errors", "regex"},
    "certificate": set(),
    "signals": set(),
    "tls": {"certificate"},
    "notify_systemd": {"clock"},
    "outbound": {"errors", "clock"},
    "config": {"core"} | LEAVES,
    "ports": {"core"},
    "sources": BELOW | {"outbound"},
    "channels": BELOW | {"outbound"},
    "storage": BELOW,
    **dict.fromkeys(INNER, BELOW | INNER),
    "loops": BELOW | INNER,
    "api": BELOW | INNER,
    "daemon": BELOW | INNER | EDGES | {"loops", "api", "outbound", "notify_systemd"},
    "trial": BELOW | INNER | {"loops"},
    "cli": BELOW | INNER | EDGES | {"daemon", "trial", "outbound"},
    "neighbours": BELOW | {"render"},
    "programs": {"clock", "errors", "outbound"},
    "demo": {"clock", "errors", "outbound", "config", "programs"},
    "rehearsal": BELOW | INNER | {"loops", "neighbours", "outbound", "programs", "sources"},
    "__main__": {"cli"},
}
"""Part (the first name below hbalert) -> the other parts it may import. Everyone may import itself, and
`hbalert` for its version."""

ALSO_MAY_IMPORT = {
    "cli/demo.py": {"demo"},
    "cli/export.py": {"neighbours"},
    "cli/translated.py": {"neighbours"},
    "cli/import_.py": {"neighbours"},
    "cli/rules_eval.py": {"loops"},
    "cli/rules_test.py": {"neighbours", "programs", "rehearsal"},
}

BANNED_IN_CORE = {"asyncio", "logging", "random", "os", "sqlite3", "time", "pathlib", "socket", "structlog"}
CLOCK_CALLS = {"now", "utcnow", "today"}
"""Methods of datetime and date that read the clock."""

LONGER_THAN_400: dict[str, str] = {}
"""Module -> why it is not two modules."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module that is imported, dotted, with its line; `from a import b` counts as a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            assert node.module is not None
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def wrong_arrows(name: str, source: str) -> list[str]:
    """What a module imports and must not; `name` is its path below hbalert."""
    part = name.split("/")[0].removesuffix(".py")
    allowed = MAY_IMPORT.get(part, set()) | ALSO_MAY_IMPORT.get(name, set()) | {part}
    wrong = []
    for line, target in imports(ast.parse(source)):
        top, _, rest = target.partition(".")
        if top == "hbalert" and rest and not rest.startswith("__version__"):
            if rest.split(".")[0] not in allowed:
                wrong.append(f"{name}:{line}: {part} must not import {rest}")
            if name.startswith("demo/gateways/") and not rest.startswith(("demo.gateways", "clock")):
                wrong.append(f"{name}:{line}: a gateway checks with code of its own")
        elif part == "core" and top in BANNED_IN_CORE:
            wrong.append(f"{name}:{line}: core must not import {top}")
    return wrong


def clock_reads(name: str, source: str) -> list[str]:
    """Where a module reads the clock itself."""
    if name == "clock.py":
        return []
    tree = ast.parse(source)
    found = [
        f"{name}:{line}: imports time" for line, target in imports(tree) if target.split(".")[0] == "time"
    ]
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in CLOCK_CALLS
            and ast.unparse(node.value).split(".")[-1] in ("datetime", "date")
        ):
            found.append(f"{name}:{node.lineno}: {ast.unparse(node)} reads the clock")
    return found


def test_every_part_of_the_tree_has_a_place_in_the_table() -> None:
    parts = {name_of(path).split("/")[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert parts - MAY_IMPORT.keys() == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    assert wrong_arrows(name_of(path), path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_clock_reads_time(path: Path) -> None:
    assert clock_reads(name_of(path), path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_its_duty_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert docstring.split("\n")[0].rstrip().endswith((".", ":", "?")), "the first line is no sentence"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_long_without_a_reason(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= 400 or name_of(path) in LONGER_THAN_400, f"{lines} lines"


def test_the_list_of_long_modules_holds_only_long_modules() -> None:
    for name in LONGER_THAN_400:
        assert len((PACKAGE / name).read_text("utf-8").splitlines()) > 400, name


def test_no_modules_import_each_other_in_a_circle() -> None:
    dotted = {
        "hbalert." + name_of(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__"): path
        for path in MODULES
    }
    graph = TopologicalSorter[str]()
    for module, path in dotted.items():
        tree = ast.parse(path.read_text("utf-8"))
        at_import = ast.Module([node for node in tree.body if not isinstance(node, ast.If)], [])
        for _, target in imports(at_import):
            if target in dotted and not module.startswith(target) and not target.startswith(module):
                graph.add(module, target)
    try:
        graph.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        pytest.param("core/x.py", "import asyncio", id="core imports asyncio"),
        pytest.param("core/x.py", "from os import path", id="core imports os"),
        pytest.param("core/x.py", "from hbalert.ports import Store", id="core imports a port"),
        pytest.param("channels/x.py", "from hbalert.loops import run", id="a channel imports a loop"),
        pytest.param("channels/x.py", "import hbalert.storage", id="an edge imports another edge"),
        pytest.param("channels/x.py", "from hbalert import storage", id="the same, spelt otherwise"),
        pytest.param("storage/x.py", "def f():\n    from hbalert import outbound", id="inside a function"),
        pytest.param("loops/x.py", "from hbalert.api import app", id="a loop imports the API"),
        pytest.param("api/x.py", "from hbalert.daemon import Daemon", id="the API imports the daemon"),
        pytest.param("cli/run.py", "from hbalert.demo import play", id="another verb imports the demo"),
        pytest.param(
            "cli/run.py", "from hbalert.neighbours import folder", id="another verb imports a neighbour"
        ),
        pytest.param(
            "neighbours/x.py", "from hbalert.daemon import Daemon", id="a neighbour knows the daemon"
        ),
        pytest.param("demo/gateways/x.py", "from hbalert.channels import sms", id="a gateway cheats"),
    ],
)
def test_a_wrong_arrow_is_seen(name: str, source: str) -> None:
    assert len(wrong_arrows(name, source)) > 0


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\nread = datetime.datetime.utcnow",
        "from datetime import date\ndate.today()",
    ],
)
def test_a_read_of_the_clock_is_seen(source: str) -> None:
    assert len(clock_reads("loops/x.py", source)) > 0
    assert clock_reads("clock.py", source) == []
