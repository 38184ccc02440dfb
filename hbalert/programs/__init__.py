"""Programs of others that run for us, and no longer than we do.

Knows how they are found, started and ended. Must not know what for: the demo, tests of rules and our own
tests use them.
"""
