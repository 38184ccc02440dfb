"""Alertmanager's configuration, told in ours.

    routing     the tree of routes, inhibition, time intervals
    receivers   receivers and their integrations -> notifiers
    mail, web   one integration each
    http        TLS and authentication, as both programs know them
    secrets     secrets into files of their own
    texts       templates in files and in keys -> Jinja2
    translate   all of it together: config.toml, notifiers/, secrets/

Knows both configurations. Must not know the disk (`folder.py`). Source: Alertmanager's
docs/configuration.md and config/config.go, up to 0.34.
"""
