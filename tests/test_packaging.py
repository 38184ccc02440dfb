"""What the built wheel holds: the package, its starter files, and nothing that takes another's name."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hbalert.cli.init import starter_files, starter_folder

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from this checkout, by the pinned hatchling, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_everything_in_it_is_below_hbalert(wheel: zipfile.ZipFile) -> None:
    """`rules` and `notifiers` are names of other distributions: ours must not be importable."""
    assert {name.split("/")[0] for name in wheel.namelist()} == {"hbalert", "hbalert-0.1.0.dist-info"}


def test_it_holds_every_module_and_data_file_of_the_package_and_no_test(wheel: zipfile.ZipFile) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "hbalert"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout: there is no list of what belongs to the package")
    names = set(wheel.namelist())
    assert set(tracked.stdout.splitlines()) - names == set()
    assert not [name for name in names if "test_" in name.rsplit("/", 1)[-1] and "cli/" not in name]


def test_the_starter_files_are_in_it_byte_by_byte(wheel: zipfile.ZipFile) -> None:
    folder = starter_folder()
    sources = [source for source, _ in starter_files(folder)]
    assert len(sources) > 5
    for source in sources:
        name = f"hbalert/starter/{source.relative_to(folder).as_posix()}"
        assert wheel.read(name) == source.read_bytes()


def test_its_metadata_asks_for_what_the_demo_needs_only_where_asked(wheel: zipfile.ZipFile) -> None:
    metadata = wheel.read("hbalert-0.1.0.dist-info/METADATA").decode()
    assert "Requires-Dist: aiosmtpd>=1.4.6; extra == 'demo'" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    assert "hbalert = hbalert.cli:main" in wheel.read("hbalert-0.1.0.dist-info/entry_points.txt").decode()


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_pins_hold_hashes_and_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    pins = [line for line in text.splitlines() if line[:1].isalnum()]
    assert pins
    assert all(line.endswith("\\") and "==" in line for line in pins)
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
