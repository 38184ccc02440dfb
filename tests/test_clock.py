"""Both clocks, read together; the real one counts the sleep of the machine."""

from __future__ import annotations

from datetime import UTC, datetime

from hbalert.clock import SystemClock, read_both
from tests.fakes.clock import START, FakeClock


def test_the_system_clock_tells_utc_and_its_other_clock_goes_forward() -> None:
    clock = SystemClock()
    before, now, after = clock.monotonic(), clock.now(), clock.monotonic()
    assert before <= after
    assert now.tzinfo is UTC


def test_a_process_that_is_held_up_between_two_readings_reads_again() -> None:
    class HeldUp(FakeClock):
        readings = 0

        def now(self) -> datetime:
            self.readings += 1
            if self.readings == 1:
                self._move(self._seconds + 40)
            return super().now()

    clock = HeldUp()
    wall, monotonic = read_both(clock)
    assert (wall - START).total_seconds() == monotonic - 1000 == 40
    assert clock.readings == 2
