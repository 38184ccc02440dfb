"""A collection of alert rules as people have them: hosts, Kubernetes, databases, web servers, queues.

    rows     what is watched: one line for a rule, or for a pair of warning and critical
    rules    the rows as Prometheus' rule files, in the several ways in which people write those
    samples  series that the rules read, made so that a good part of them fires
    play     the same files evaluated by Prometheus and, imported, by hbalert

The metrics are those of the usual exporters; the rules are our own. `python -m tests.neighbours.collection
[RULES.yml...]` plays it, or other files, and prints the numbers.
"""
