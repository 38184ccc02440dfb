"""Gateways on loopback that check what they get as strictly as the real ones.

`hbalert demo` runs them, and the tests use the same ones. They verify signatures, times and limits
from the raw request with code of their own: nothing in here may import `hbalert.channels`.
"""
