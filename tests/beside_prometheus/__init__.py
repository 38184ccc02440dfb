"""The same rules on the same data, evaluated by the real Prometheus and by hbalert, side by side.

One Prometheus scrapes a target of the test's and evaluates the rules itself; an hbalert process evaluates
them by asking that Prometheus. Both are looked at through /api/v1/rules.

    python -m tests.beside_prometheus           plays it and prints the table
    python -m tests.beside_prometheus --page    the table of docs/beside-prometheus.md, without playing

A case has one expectation for both, unless `theirs` says what Prometheus shows instead: then hbalert is
meant to be the better one. Texts are written down, not recorded.
"""
