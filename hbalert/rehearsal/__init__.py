"""Unit tests of rules, played: our evaluation over series that a test makes up.

    script   rule files, ours or Prometheus' -> what is evaluated, in its order
    feed     samples into a Prometheus of our own, as its remote write takes them
    play     step by step: samples, evaluation, what fires
    verdict  what was expected, and what came

A Prometheus that is started for the test does the PromQL. Everything else, `for`, labels, texts, what fires,
is done by the code that the daemon runs (`loops/watch.py`, `core/evaluation.py`, `templating/`). Knows the
order of the steps. Must not know a test file's format (`neighbours/`) nor how verdicts are shown.
"""
