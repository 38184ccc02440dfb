"""`hbalert export`: our rules for other programs.

Knows what is asked and how it is told what came of it. Must not know foreign formats (`neighbours/`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from hbalert.cli.config_path import find_config
from hbalert.cli.translated import count, listed, write_one


@click.group()
def export() -> None:
    """Write the rules as another program reads them."""


@export.command()
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file.")
@click.option("--source", metavar="NAME", help="The rules of this source. Default: the first one.")
@click.option("--out", metavar="FILE.yml", type=click.Path(path_type=Path), help="Default: standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def prometheus(config: Path | None, source: str | None, out: Path | None, force: bool) -> None:
    """Write the rules as a rule file of Prometheus.

    What Prometheus cannot say (clear, no_data, texts that only Jinja2 reads, ...) is listed with its line,
    and stays in the file as a comment.

    \b
    Exit codes: 0 all is said; 1 something is missing; 2 the configuration is wrong, or nothing was written.

    \b
    Examples:
      hbalert export prometheus -c alerting/config.toml | promtool check rules /dev/stdin
      hbalert export prometheus --source main --out rules.yml
    """
    from hbalert.config.document import read
    from hbalert.config.load import load
    from hbalert.config.nearest import did_you_mean
    from hbalert.errors import ConfigError
    from hbalert.neighbours.prometheus.export import export as translate

    try:
        loaded = load(find_config(config), os.environ)
    except ConfigError as error:
        raise click.UsageError(f"the configuration is wrong; `hbalert check` tells more:\n{error}") from None
    chosen = source or next(iter(loaded.sources), "")
    if source and source not in loaded.sources:
        raise click.UsageError(f'there is no source "{source}"; {did_you_mean(source, loaded.sources)}')
    documents = {}
    for file in dict.fromkeys(group.file for group in loaded.groups):
        document, _ = read(Path(file), file)
        if document is not None:
            documents[file] = document
    done = translate(loaded, documents, chosen)
    if out is None:
        click.echo(done.text, nl=False)
    else:
        write_one(done.text, out, force=force)
    groups = f"in {count(done.groups, 'group')}"
    click.echo(f"{out or 'the rules'}: {count(done.alerts, 'alert rule')} {groups}", err=True)
    listed("Worth knowing:", done.report.hints)
    listed("Has no equal in Prometheus:", done.report.missing)
    sys.exit(1 if done.report.missing else 0)
