"""The budgets, measured beside the real peers in one run.

    make bench                          everything; writes docs/performance.md
    make bench ARGS="ingest reading"    some measures; their rows of the page are written anew
    python -m bench --quick             small numbers: are the results right? says what it saw, writes nothing

A measure (`measures/*.py`) starts hbalert and a peer side by side, gives both the same work in turn,
A B A B, and looks at the CPU seconds that each took, from /proc/PID/stat. What both have to show after it
is compared in the same run: a figure of a run that went wrong is none. Seconds of a machine that others
use as well mean little: what counts are the ratios, pair by pair, as median and range.

Only wrong results make a run fail, never a time.

Read `budgets.py` (every line of the page), `record.py`, `process.py`, `sides.py`, `sink.py`, the measures,
`page.py` in this order. Nobody imports this package.
"""
