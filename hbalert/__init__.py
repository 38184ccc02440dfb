"""hbalert: rules in, alerts routed, people told.

Where to begin: `core/` holds every decision, in the order in which an alert meets it;
`loops/` makes them happen; `daemon.py` wires the edges to the loops.
"""

__version__ = "0.1.0"
