"""A file that somebody named is read, or it is said why not; nothing is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hbalert.config.files import read_file, why


def test_a_file_is_read_up_to_one_byte_more_than_it_may_have(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    assert read_file(path, 9) == b"12345"
    assert read_file(path, 3) == b"1234"


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(_pipe, "it is no regular file (a pipe, a device); save what", id="a named pipe"),
        pytest.param(Path.mkdir, "Is a directory", id="a folder"),
        pytest.param(lambda path: path.symlink_to("/dev/null"), "it is no regular file", id="a device"),
        pytest.param(lambda path: None, "No such file or directory", id="nothing"),
    ],
)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: object, reason: str) -> None:
    path = tmp_path / "f"
    make(path)  # type: ignore[operator]
    with pytest.raises(OSError) as caught:
        read_file(path, 9)
    assert why(caught.value).startswith(reason)
