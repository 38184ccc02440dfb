"""What would become of an alert with these labels, and why: asked by a person, changing nothing.

outlook  plays the alert through the same units of work as always, on a draft nobody commits
rows     the answer as plain values, for JSON
rulebook rules and their alerts as plain values, found by what a person calls them
"""
