"""`hbalert test-notify`: a real message to everybody, judged as it will be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.daemon import run
from tests.config.folder import LOG, write


def test_a_message_that_arrives_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"notifiers/ops_log.toml": LOG})
    done = run("test-notify", "-c", str(tmp_path / "config.toml"))
    assert [line.split()[:4] for line in done.stdout.splitlines()[1:]] == [
        ["ops_log", "log", "firing", "sent"],
        ["ops_log", "log", "resolved", "sent"],
    ]
    assert "It works." in done.stderr


def test_built_in_words_in_the_place_of_a_template_that_fails_are_no_success(tmp_path: Path) -> None:
    notifier = LOG + 'template = "mail.txt"\n'
    write(tmp_path, {"notifiers/ops_log.toml": notifier, "mail.txt": "{% for a in alerts %}"})
    done = run("test-notify", "-c", str(tmp_path / "config.toml"), code=1)
    assert "mail.txt: ops_log: this template does not work" in done.stderr
    assert "but a template does not work" in done.stderr
    assert "works" not in done.stderr


@pytest.mark.parametrize(
    ("names", "says"),
    [
        pytest.param(["nobody"], "there is no notifier 'nobody'", id="a name that nobody has"),
        pytest.param(["off"], "set enabled = true", id="one that is switched off"),
    ],
)
def test_a_name_that_cannot_be_tried_is_explained(tmp_path: Path, names: list[str], says: str) -> None:
    files = {"notifiers/ops_log.toml": LOG, "notifiers/off.toml": f"{LOG}enabled = false\n"}
    write(tmp_path, files)
    assert says in run("test-notify", *names, "-c", str(tmp_path / "config.toml"), code=2).stderr


def test_a_configuration_that_is_wrong_moves_no_terminal(tmp_path: Path) -> None:
    write(tmp_path, {"notifiers/ops_log.toml": LOG + '"\\u009b31m" = 1\n'})
    said = run("test-notify", "-c", str(tmp_path / "config.toml"), code=2).stderr
    assert "there is no such key" in said
    assert "\x9b" not in said
