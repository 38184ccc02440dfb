"""`hbalert init`: the folder it writes, and what the wheel carries for it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hatchling.builders.wheel import WheelBuilder

from hbalert.cli.check import check
from hbalert.cli.init import EXAMPLE, init, starter_files, starter_folder

CHECKOUT = Path(__file__).parents[2]


def run(folder: Path) -> Result:
    return CliRunner().invoke(init, [str(folder)], catch_exceptions=False)


def test_what_init_writes_has_no_findings(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    result = run(folder)
    assert result.exit_code == 0
    assert f"hbalert check -c {folder}/config.toml" in result.stdout
    checked = CliRunner().invoke(check, ["-c", str(folder), "--strict"], catch_exceptions=False)
    assert (checked.exit_code, checked.stdout) == (0, "")
    assert EXAMPLE not in (folder / "config.toml").read_text()
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {
        "config.toml",
        "rules/hummingbot.toml",
        "notifiers/ops_log.toml",
        "notifiers/README.md",
    } <= written


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    mine = tmp_path / "rules" / "host.toml"
    mine.write_text("# mine")
    result = run(tmp_path)
    assert result.exit_code == 2
    assert f"{mine} exists already" in result.stderr
    assert mine.read_text() == "# mine"
    assert not (tmp_path / "config.toml").exists()


def test_what_else_is_in_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert run(tmp_path).exit_code == 0
    assert (tmp_path / "notes.txt").read_text() == "x"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert str(tmp_path / "file") in result.stderr


def test_a_checkout_reads_its_own_folders_and_a_package_what_it_carries(tmp_path: Path) -> None:
    assert starter_folder() == CHECKOUT
    package = tmp_path / "hbalert"
    (package / "starter").mkdir(parents=True)
    (package / "starter" / EXAMPLE).write_text("")
    assert starter_folder(package) == package / "starter"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(CHECKOUT)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(path).namelist()


def test_the_wheel_carries_every_starter_file(wheel: list[str]) -> None:
    wanted = {
        f"hbalert/starter/{source.relative_to(CHECKOUT).as_posix()}" for source, _ in starter_files(CHECKOUT)
    }
    assert {name for name in wheel if name.startswith("hbalert/starter/")} == wanted


def test_the_wheel_has_one_package_and_no_tests(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hbalert"}
    assert not [name for name in wheel if "test" in name.split("/")[-1] and name.startswith("tests")]
