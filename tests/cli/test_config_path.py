"""Which configuration a verb means."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from hbalert.cli import config_path
from hbalert.cli.config_path import find_config


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Every place, empty."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(config_path, "SYSTEM", tmp_path / "etc" / "config.toml")
    return {
        "given": tmp_path / "given.toml",
        "environment": tmp_path / "named.toml",
        "here": work / "config.toml",
        "user": tmp_path / "xdg" / "hbalert" / "config.toml",
        "system": tmp_path / "etc" / "config.toml",
    }


@pytest.mark.parametrize("first", range(5))
def test_the_first_place_that_has_one_counts(places: dict[str, Path], tmp_path: Path, first: int) -> None:
    names = list(places)
    for name in names[first:]:
        places[name].parent.mkdir(parents=True, exist_ok=True)
        places[name].touch()
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    if first <= 1:
        environ["HBALERT_CONFIG"] = str(places["environment"])
    found = find_config(places["given"] if first == 0 else None, environ)
    assert found.resolve() == places[names[first]].resolve()


def test_the_user_s_folder_is_below_home_when_nothing_else_is_said(
    places: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "home" / ".config" / "hbalert" / "config.toml"
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_config(None, {"HOME": str(tmp_path / "home")}) == path


def test_a_folder_stands_for_the_file_in_it(places: dict[str, Path], tmp_path: Path) -> None:
    places["here"].touch()
    assert find_config(places["here"].parent, {}) == places["here"]


def test_a_file_that_was_named_is_never_replaced_by_another(places: dict[str, Path]) -> None:
    places["here"].touch()
    with pytest.raises(click.UsageError, match=r"given.toml does not exist \(--config\)"):
        find_config(places["given"], {})
    with pytest.raises(click.UsageError, match=r"named.toml does not exist \(HBALERT_CONFIG\)"):
        find_config(None, {"HBALERT_CONFIG": str(places["environment"])})


def test_nothing_found_says_where_it_was_looked_for(places: dict[str, Path]) -> None:
    with pytest.raises(click.UsageError) as refused:
        find_config(None, {})
    assert "config.toml" in refused.value.message
    assert str(places["system"]) in refused.value.message
    assert "hbalert init" in refused.value.message
