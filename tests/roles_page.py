"""Writes the table of paths and roles in docs/security.md anew: `python -m tests.roles_page`."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from hbalert.api.app import Api
from tests.api.stand import stand

PAGE = Path(__file__).parents[1] / "docs/security.md"
HEAD = "| path | method | role |\n| --- | --- | --- |\n"


def table(app: Api) -> str:
    """One row for each path and role."""
    rows = []
    for path, resource in app.resources.items():
        methods: dict[str, list[str]] = {}
        for method, action in resource.actions.items():
            if method != "HEAD":  # may what GET may
                methods.setdefault(action.role, []).append(method)
        for role, names in methods.items():
            rows.append(f"| `{path}` | {', '.join(names)} | {'none' if role == 'open' else f'`{role}`'} |\n")
    return HEAD + "".join(rows)


def with_table(page: str, made: str) -> str:
    """The page with this table in place of the one that is there."""
    return re.sub(re.escape(HEAD) + r"(?:\|.*\n)*", lambda _: made, page)


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with stand(Path(folder)) as api:
            PAGE.write_text(with_table(PAGE.read_text("utf-8"), table(api.app)), "utf-8")


if __name__ == "__main__":
    asyncio.run(_main())
