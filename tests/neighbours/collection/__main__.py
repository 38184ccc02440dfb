"""Plays the collection, or other rule files, and prints the numbers."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.neighbours.collection.play import play
from tests.neighbours.collection.rules import files


def main(names: list[str]) -> None:
    chosen = {Path(name).name: Path(name).read_text("utf-8") for name in names} or files()
    with tempfile.TemporaryDirectory() as folder:
        numbers = asyncio.run(play(chosen, Path(folder)))
    print(numbers)
    for note in numbers.named:
        print("named:", note)
    for kind, rows in (("failed", numbers.failed), ("differs", numbers.differing)):
        for name, why in rows.items():
            print(f"{kind}: {name}: {why}")


if __name__ == "__main__":
    main(sys.argv[1:])
