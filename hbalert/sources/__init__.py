"""Sources: what answers PromQL.

    prometheus.py   the query API over HTTP
    batch.py        many expressions in one query
    wire.py         bytes on the way out, bytes on the way in

They know the API of Prometheus and of those that speak it. They must not know rules or states.
"""
