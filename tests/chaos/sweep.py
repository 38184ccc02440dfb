"""The crash-point sweep: hbalert is stopped at every place at which it can be, and everything is counted.

A score (`scores.py`) is played once without harm, to learn which fault points there are. Then it is
played again for each of them: the process kills itself there, another one starts from the files it
left, the outside goes on, and in the end the verdict (`verdict.py`) says what must not be. Three kinds
of death: SIGKILL; a power cut, which also takes what was not synced; and a second SIGKILL while the next
life recovers from the first.

Run it with `python -m tests.chaos.sweep`; `--help` lists how to play less of it.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from tests.chaos.disk import Disk
from tests.chaos.life import Life
from tests.chaos.outside import Journal
from tests.chaos.plants import PLANTS
from tests.chaos.points import Fuse, Point
from tests.chaos.scores import SCORES
from tests.chaos.verdict import Verdict, judge

PATIENCE_SECONDS = 120
"""After so long a life is taken to hang."""

ALWAYS = frozenset({"send", "start", "reload", "stop"})
"""Kinds of points that no sample leaves out."""

SAMPLE = {"every_statement": 30, "every": 12, "every_power": 16, "every_long": 32, "every_second": 32}

SHORT, LONG = 2.0, 40.0
"""Seconds in which nobody is there between two lives: less than any interval; longer than all of them."""


@dataclass(frozen=True)
class Trial:
    """One death to be tried.

    at      numbers of the points at which the lives end, one after the other
    point   the first of them
    power   what was not synced is lost as well
    down    seconds until the next life
    """

    score: str
    at: tuple[int, ...]
    point: Point
    power: bool = False
    down: float = SHORT
    plant: str = ""

    def __str__(self) -> str:
        how = "power cut" if self.power else "kill"
        return f"{self.score} {'+'.join(map(str, self.at))} ({how}, {self.down:g} s, {self.point})"


@dataclass
class Outcome:
    """What came of a trial."""

    trial: Trial
    verdict: Verdict = field(default_factory=Verdict)
    died: int = 0


def forked(work: Callable[[], None]) -> int:
    """Runs `work` in a process of its own; its exit code, negative for the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(PATIENCE_SECONDS)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def one_life(folder: Path, trial: Trial, die_at: int | None) -> None:
    """Lives in this process; at the end the verdict lies beside the journal, and a first life's points."""
    life = Life(folder, SCORES[trial.score], die_at, down=trial.down, power=trial.power)
    if trial.plant:
        PLANTS[trial.plant].apply(life)

    async def afterwards(life: Life) -> None:
        verdict = await judge(life, folder, in_time=trial.down <= SHORT)
        (folder / "verdict").write_text(json.dumps(asdict(verdict)))

    life.live(afterwards)
    if life.number == 1:
        points = [(point.kind, point.what) for point in life.fuse.passed]
        (folder / "points").write_text(json.dumps(points))


def rehearse(score: str, plant: str = "") -> tuple[list[Point], Verdict]:
    """The score without a death: its points, and the verdict."""
    trial = Trial(score, (), Point("", ""), plant=plant)
    with tempfile.TemporaryDirectory(prefix="hbalert-sweep-", dir=_fast_disk()) as name:
        folder = Path(name)
        code = forked(partial(one_life, folder, trial, None))
        if code != 0:
            return [], Verdict([f"exit code {code} without any fault"])
        points = [Point(*each) for each in json.loads((folder / "points").read_text())]
        return points, Verdict(**json.loads((folder / "verdict").read_text()))


def attempt(trial: Trial) -> Outcome:
    """Plays a trial to its end."""
    outcome = Outcome(trial)
    with tempfile.TemporaryDirectory(prefix="hbalert-sweep-", dir=_fast_disk()) as name:
        folder = Path(name)
        disk = Disk(folder / "hbalert.db", Fuse())
        for die_at in (*trial.at, None):
            code = forked(partial(one_life, folder, trial, die_at))
            if code == 0:
                break
            if code != -signal.SIGKILL or die_at is None:
                outcome.verdict.violations.append(f"a life ended with {code}")
                return outcome
            outcome.died += 1
            if outcome.died == 1:
                said = Journal(folder / "journal").lines("died")[-1]["point"]
                if said != str(trial.point):
                    outcome.verdict.violations.append(f"died at {said}: the points are not stable")
            if trial.power:
                disk.power_cut()
            disk.image(folder / f"death-{outcome.died}")
        verdict = Verdict(**json.loads((folder / "verdict").read_text()))
        outcome.verdict.violations += verdict.violations
        outcome.verdict.explained += verdict.explained
    return outcome


def _fast_disk() -> str | None:
    """Where fsync costs nothing: a killed process loses nothing there either."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def trials(score: str, points: Sequence[Point], chosen: argparse.Namespace) -> Iterator[Trial]:
    """What is to be tried with a score."""
    more = {"plant": chosen.plant}
    numbered = list(enumerate(points, 1))
    statements = [each for each in numbered if each[1].kind == "statement"]
    others = [each for each in numbered if each[1].kind != "statement"]
    always = [each for each in others if each[1].kind in ALWAYS]
    sampled = [each for each in others if each[1].kind not in ALWAYS]
    for at, point in [*statements[:: chosen.every_statement], *always, *sampled[:: chosen.every]]:
        yield Trial(score, (at,), point, **more)
    for at, point in others[:: chosen.every_power]:
        yield Trial(score, (at,), point, power=True, **more)
    for at, point in others[:: chosen.every_long]:
        yield Trial(score, (at,), point, down=LONG, **more)
    for nth, (at, point) in enumerate(others[:: chosen.every_second]):
        # The second life has some 60 points until it is ready; the step has no factor in common with them.
        yield Trial(score, (at, 1 + nth * 37 % 150), point, **more)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the sweep and prints what was counted; exit code 1 when something was violated."""
    chosen = _chosen(arguments)
    begun = time.monotonic()
    violations: list[str] = []
    wanted: list[Trial] = []
    passed: Counter[str] = Counter()
    for name in chosen.scores:
        if chosen.until_found and violations:
            break
        points, verdict = rehearse(name, chosen.plant)
        violations += [f"{name}, no death: {each}" for each in verdict.violations]
        passed.update(point.kind for point in points)
        wanted += trials(name, points, chosen)
    tried: Counter[str] = Counter()
    explained: Counter[str] = Counter()
    random.Random(0).shuffle(wanted)
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(chosen.workers) as pool:
        for outcome in pool.imap_unordered(attempt, wanted, chunksize=4):
            trial = outcome.trial
            how = "power cut" if trial.power else "kill, twice" if len(trial.at) > 1 else "kill"
            tried[how if trial.down == SHORT else "kill, long absence"] += 1
            tried[f"  at {trial.point.kind}"] += how == "kill" and trial.down == SHORT
            explained.update(each.split(":")[0] for each in outcome.verdict.explained)
            violations += [f"{trial}: {each}" for each in outcome.verdict.violations]
            if violations and chosen.until_found:
                break
    seconds = time.monotonic() - begun
    print(f"scores: {', '.join(chosen.scores)}")
    print(
        f"fault points: {sum(passed.values())} ({', '.join(f'{k} {n}' for k, n in sorted(passed.items()))})"
    )
    for how, number in sorted(tried.items(), key=lambda each: (each[0].startswith(" "), each[0])):
        print(f"{number:6d} {how}")
    print(f"told twice, always between acceptance and settlement: {sum(explained.values())}")
    for what, number in sorted(explained.items()):
        print(f"{number:6d}   died at {what}")
    print(f"violations: {len(violations)}")
    for violation in violations[: chosen.show]:
        print(f"  {violation}")
    print(f"{seconds:.0f} s")
    return 1 if violations else 0


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.sweep", description=main.__doc__)
    parser.add_argument("scores", nargs="*", default=list(SCORES), help="default: all of them")
    parser.add_argument("--every-statement", type=int, default=1, help="only each n-th SQL statement")
    parser.add_argument("--every", type=int, default=1, help="only each n-th of the other points")
    parser.add_argument("--every-power", type=int, default=2, help="of them, with a power cut")
    parser.add_argument("--every-long", type=int, default=3, help="of them, with a long absence")
    parser.add_argument("--every-second", type=int, default=3, help="of them, with a second death")
    parser.add_argument("--sample", action="store_true", help="what `make test` plays")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--plant", default="", choices=["", *PLANTS], help="plays with a planted mistake")
    parser.add_argument("--until-found", action="store_true", help="ends with the first violation")
    parser.add_argument("--show", type=int, default=20, help="so many violations are printed")
    chosen = parser.parse_args(arguments)
    if chosen.sample:
        vars(chosen).update(SAMPLE)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
