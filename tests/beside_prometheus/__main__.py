"""`python -m tests.beside_prometheus`; see the package."""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.beside_prometheus.page import PLAYED, page
from tests.beside_prometheus.restarts import LONG
from tests.beside_prometheus.rows import ALONE
from tests.beside_prometheus.together import play_all


def main() -> int:
    if "--page" in sys.argv:
        print(page(), end="")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        print(f"{len(PLAYED)} cases on both, {len(ALONE)} on hbalert alone", file=sys.stderr)
        seen = asyncio.run(play_all(Path(folder), LONG))
    print(page(seen))
    wrong = [
        f"{case.name} ({engine})"
        for case in PLAYED
        for engine, shown in zip(("Prometheus", "hbalert"), seen[case.name], strict=True)
        if list(shown) != list(case.expected(theirs=engine == "Prometheus"))
    ]
    tests = list(dict.fromkeys(test for alone in ALONE for test in alone.tests))
    failed = subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], stdout=sys.stderr).returncode
    print(f"{len(PLAYED)} cases, not as expected: {', '.join(wrong) or 'none'}")
    print(f"{len(ALONE)} on hbalert alone: {'some have failed' if failed else 'all passed'}")
    return 1 if wrong or failed else 0


sys.exit(main())
