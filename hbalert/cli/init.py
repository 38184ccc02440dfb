"""`hbalert init`: a commented folder to begin with.

Knows where the starter files are, in a checkout and in an installed package. Must not know what
stands in them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

PACKAGE = Path(__file__).parents[1]
EXAMPLE = "config.example.toml"


def starter_folder(package: Path = PACKAGE) -> Path:
    """The folder with config.example.toml, rules/ and notifiers/: the wheel's, else the checkout's."""
    installed = package / "starter"
    return installed if (installed / EXAMPLE).is_file() else package.parent


def starter_files(folder: Path) -> Iterator[tuple[Path, Path]]:
    """(where a starter file is, where it goes below the new folder)."""
    yield folder / EXAMPLE, Path("config.toml")
    for name in ("rules", "notifiers"):
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and path.suffix in (".toml", ".md", ".txt", ".html"):
                yield path, path.relative_to(folder)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a commented starter folder: config.toml, rules/ and notifiers/.

    Nothing is ever overwritten.

    \b
    Example:
      hbalert init alerting && hbalert check -c alerting/config.toml
    """
    files = list(starter_files(starter_folder()))
    there = [folder / target for _, target in files if (folder / target).exists()]
    if there:
        more = f" and {len(there) - 1} more exist" if len(there) > 1 else " exists"
        raise click.UsageError(f"{there[0]}{more} already; name a folder without it, or move it away")
    try:
        for source, target in files:
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text("utf-8").replace(EXAMPLE, "config.toml")
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        click.echo(f"hbalert: {error.filename}: {error.strerror}", err=True)
        sys.exit(2)
    click.echo(_next_steps(folder, len(files)))


def _next_steps(folder: Path, count: int) -> str:
    config = folder / "config.toml"
    return f"""{count} files are in {folder}/. What to do next:

  1. In {config} name your Prometheus: url in [sources.main].
  2. In {folder / "notifiers"}/ fill in a destination and remove its `enabled = false`.
     Until then messages go to the log.
  3. hbalert check -c {config} --live
  4. hbalert test-notify -c {config}
  5. hbalert run -c {config}"""
