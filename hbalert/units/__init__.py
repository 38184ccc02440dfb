"""Units of work: what each loop and each request decides over a draft of memory.

A unit reads a draft, asks `core/` for the decision, and writes the result back into the draft. It
knows which rows a decision touches; it must not know time (the draft has it), I/O, or a formula.
`desk.py` commits what units write.

    rules.py     a rule was evaluated: rows, reports, lines of the timeline
    own.py       what hbalert has to say about itself
    intake.py    reports come in: alerts merge and join groups
    flush.py     a due group is looked at: log entries and outbox rows, together
    quiet.py     who keeps an alert quiet
    outbox.py    deliveries are claimed and settled
    silences.py  somebody asks for quiet
    jump.py      the clock has jumped: every time that is stored agrees with it again
    maintenance.py  quiet that comes again
    endings.py   a word before a silence ends
    adopt.py     a new configuration: groups are made again, nobody is told again
    loosen.py    what it does not keep back any more is heard at once
"""
