"""The maths of alerting: values in, values out, standard library only.

Nothing in this package reads a clock, draws a random number, opens a file or waits. `now` is
always an argument. The modules, in the order in which an alert meets them:

    labels -> matcher -> alert -> rule -> route -> group -> intake
           -> silence -> notification -> flush -> delivery

`tests/test_architecture.py` keeps it so.
"""
