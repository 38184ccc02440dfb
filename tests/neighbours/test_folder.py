"""Files onto the disk: whole or not at all, and never in the place of something else."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from hbalert.neighbours.folder import NewFile, write


def test_a_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("old")
    write(tmp_path, {"rules.toml": NewFile("new"), "secrets/token": NewFile("t", secret=True)})
    assert (tmp_path / "rules.toml").read_text() == "new"
    assert (tmp_path / "secrets/token").stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["rules.toml", "secrets", "token"]


def test_what_a_link_points_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "rules.toml").symlink_to("theirs")
    write(tmp_path, {"rules.toml": NewFile("ours")})
    assert ((tmp_path / "theirs").read_text(), (tmp_path / "rules.toml").read_text()) == ("theirs", "ours")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a pipe"])
def test_nothing_but_a_file_is_replaced(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "there"
    match kind:
        case "folder":
            there.mkdir()
        case "pipe":
            os.mkfifo(there)
        case _:
            os.mkfifo(tmp_path / "pipe")
            there.symlink_to("pipe")
    with pytest.raises(OSError, match="is no file") as refused:
        write(tmp_path, {"there": NewFile("x")})
    assert refused.value.filename == str(there)
    assert there.exists()
    assert not there.is_file()


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))  # Python ignores SIGXFSZ: writing fails
    try:
        with pytest.raises(OSError, match="too large") as failed:
            write(tmp_path, {"rules.toml": NewFile("x" * 100)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert failed.value.filename == str(tmp_path / "rules.toml")
    assert [each.name for each in tmp_path.iterdir()] == ["rules.toml"]
    assert (tmp_path / "rules.toml").read_text() == "old"
