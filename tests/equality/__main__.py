"""`python -m tests.equality [--rules N] [--seed N]`; see the package."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.equality.grow import Grower
from tests.equality.history import END
from tests.equality.odd import ODD_RULES, WRONG
from tests.equality.play import Played, play, prometheus


async def run(rules: int, first: int, seeds: int) -> int:
    wrong = 0

    def show(what: str, played: Played) -> int:
        print(f"{what}: {played}", flush=True)
        for way, differing in played.wrong.items():
            for each in differing[:20]:
                print(f"  {way}: {each}")
        return sum(map(len, played.wrong.values()))

    with tempfile.TemporaryDirectory() as folder:
        async with prometheus(Path(folder)) as url:
            wrong += show("written by hand", await play(url, [*ODD_RULES, *WRONG], END))
            for seed in range(first, first + seeds):
                grown = Grower(seed).rules(rules // seeds)
                wrong += show(f"seed {seed}", await play(url, grown, END))
    print(f"not equal: {wrong}")
    return 1 if wrong else 0


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.equality")
    options.add_argument("--rules", type=int, default=4000, help="how many are made up")
    options.add_argument("--seed", type=int, default=1, help="the first of the seeds")
    options.add_argument("--seeds", type=int, default=4, help="how many seeds share the rules")
    given = options.parse_args()
    return asyncio.run(run(given.rules, given.seed, given.seeds))


sys.exit(main())
