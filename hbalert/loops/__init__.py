"""The loops: what makes hbalert move.

    evaluate.py   rules that are due -> queries -> alerts (watch.py: one of them)
    dispatch.py   groups that are due -> log entries and outbox rows
    deliver.py    deliveries that are due -> channels -> settled
    lookout.py    hbalert's own troubles -> alerts about them
    sweep.py      what has to happen now and then: ends of silences, writing refreshes, retention

All have one shape: what is due -> gather what the decision needs -> one unit of work -> commit.
They know order, concurrency and cancellation, and ask the clock once a cycle. They must not know a
formula: what compares two times belongs in `core/`.
"""
