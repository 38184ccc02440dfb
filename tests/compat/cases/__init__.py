"""The cases, a module for each part of an engine's behaviour.

`tests/compat/__init__.py` shows how to add one.
"""
