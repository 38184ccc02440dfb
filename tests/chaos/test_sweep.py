"""The crash-point sweep in short: a sample of what `make chaos` does, and a proof that it can fail.

It runs in a process of its own: it forks, and a process that forks must have no threads.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.chaos.plants import PLANTS


def sweep(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.chaos.sweep", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_wherever_it_is_stopped_everybody_hears_what_is_true_and_once() -> None:
    ran = sweep("--sample")
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    assert "violations: 0" in ran.stdout


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_mistake_is_found(plant: str) -> None:
    ran = sweep(PLANTS[plant].score, "--plant", plant, "--until-found", "--sample")
    assert ran.returncode == 1, ran.stdout + ran.stderr[-2000:]
    assert "violations: 0" not in ran.stdout
