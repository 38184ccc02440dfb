"""What `hbalert demo` shows: the whole engine at work on one machine, with nobody outside told.

Knows how to start fakes of the outside world beside a real daemon. Must not be imported by anything
the daemon runs.
"""
