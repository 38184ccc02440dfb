"""Fakes of the far sides: a mail server, an HTTP receiver, and so on, each on a real port of 127.0.0.1.

They check what they get as strictly as the real ones, with code of their own, keep it for whoever
asks, and can be told to fail in the ways the real ones do. The demo runs them; so do the tests.
"""
