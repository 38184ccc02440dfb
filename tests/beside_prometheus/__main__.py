"""`python -m tests.beside_prometheus`; see the package."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.beside_prometheus.cases import CASES
from tests.beside_prometheus.play import expected, page, play


def main() -> int:
    if "--page" in sys.argv:
        print(page(), end="")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(play(Path(folder)))
    print(page({name: (theirs.shown, ours.shown) for name, (theirs, ours) in seen.items()}))
    wrong = [
        case.name
        for case in CASES
        for place, each in enumerate(seen[case.name])
        if list(each.shown) != list(expected(case, theirs=place == 0))
    ]
    print(f"{len(CASES)} cases, not as expected: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


sys.exit(main())
