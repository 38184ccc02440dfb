"""The budgets, measured beside the real peers in one run.

    make bench                          everything; writes docs/performance.md, growth.json and growth.svg
    make bench ARGS="ingest list"       some measures, by name or by a line; their rows are written anew
    make bench-growth                   what draws a curve
    python -m bench --list              which measures there are, and which lines each fills
    python -m bench --quick             small numbers: are the results right? says what it saw, writes nothing

A measure (`measures/*.py`) starts hbalert and a peer side by side, gives both the same work in turn,
A B A B, and looks at the CPU seconds that each took, as the kernel counts them, and at how long one waited.
What both have to show after it is compared in the same run: a figure of a run that went wrong is none.
Seconds of a machine that others use as well mean little: what counts are the ratios, pair by pair, as
median and range.

Only wrong results make a run fail, never a time; but a measure that has not ended when its limit is over
is given up. What was measured is on the page as soon as its measure has ended.

Read `budgets.py` (every line of the page), `panels.py` (every curve), `process.py`, `record.py`, `sides.py`,
`sink.py`, `looks.py`, `watchers.py`, the measures, then `chart.py`, `curves.py`, `machine.py`, `page.py` in
this order. Only their own tests import this package.
"""
