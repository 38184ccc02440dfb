"""Many rules asked together answer exactly what each of them answers alone: on a real Prometheus.

`history.py` is what there is to ask about, `grow.py` makes rules up from a seed, `odd.py` holds those that
people thought of, and `play.py` asks them in every way there is and compares. `python -m tests.equality`
(`make equality`) plays some thousands and prints what share of them answered anything.
"""
