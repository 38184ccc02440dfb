"""Each thing that Prometheus does with rules, and each that hbalert does beyond it, with a case of its own.

What a real Prometheus can play is played by both: one scrapes a target of the test's and evaluates the
rules itself; an hbalert process evaluates them by asking that Prometheus. Both are looked at through
/api/v1/rules. What it cannot play (a clock that is moved, a key it has not) is a test on hbalert alone.

    python -m tests.beside_prometheus           plays everything and prints the page with what was seen
    python -m tests.beside_prometheus --page    docs/beside-prometheus.md, without playing

    rows.py     what there is to show, in the order of the page; what stands elsewhere or is left out
    cases.py    the cases that both play, in chapters
    engines.py  the two processes with one face
    play.py     a chapter is played
    restarts.py kill -9 again and again during `for` and `keep_firing_for`, with a stop-watch
    together.py everything at once
    page.py     the page

A case has one expectation for both, unless `theirs` says what Prometheus shows instead: then hbalert is
meant to be the better one. Texts are written down, not recorded.
"""
