"""What each code of a finding means: the text of `hbalert check --explain CODE`.

Knows codes and prose. Must not know how a mistake is found.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "syntax": (
        "The file is not TOML from this line on. Nothing in it can be used; other files are "
        "checked all the same, and a notifier whose file is broken still counts as defined."
    ),
    "unreadable": ("The file cannot be read: it does not exist, or this user may not read it."),
    "no-file": (
        "A pattern or a name in `rules` or `files` names no file. Paths are below the folder of config.toml."
    ),
    "unknown-key": (
        "There is no such key in this table. In TOML a key that stands after [table] or [[table]] "
        "belongs to that table, whatever it was meant for: keys of the whole file stand before "
        "the first table."
    ),
    "unknown-variable": (
        "An environment variable begins with HBALERT_ and names no setting, so that it has no "
        "effect. HBALERT_SERVER__LISTEN is `listen` in [server]; lists and tables cannot be set "
        "so."
    ),
    "type": (
        "The value has another type than the key takes: a text, a number, true or false, a list, a table."
    ),
    "value": ("The value has the right type, but is not one that the key takes."),
    "missing": ("Something that must be given is not there."),
    "name": ("A name cannot be used: names of notifiers and sources consist of a-z, 0-9 and _."),
    "duplicate": (
        "A name is given twice where it must be unique. Names of rule groups are unique over all "
        "files, because the state of their rules is kept under them."
    ),
    "secret": (
        "A secret cannot be had: exactly one of x, x_file and x_env must be given, and what it "
        "names must exist. A relative x_file is below the folder of config.toml; one without a "
        "slash is also looked for in systemd's $CREDENTIALS_DIRECTORY. The secret itself is never "
        "printed."
    ),
    "loose-secret": ("Every user of this machine can read a file with a secret."),
    "insecure": (
        "Somebody else could read along, or silence alerts: an address that other machines reach "
        "without tokens, or a password in clear text."
    ),
    "certificate": (
        "Clients could not, or soon cannot, connect to our own port: the certificate, its key and the "
        "list of client authorities are tried as the daemon would use them. A running daemon looks at "
        "the files each minute and takes new ones over by itself; what is broken it leaves alone."
    ),
    "expired": ("A token has expired or soon will: requests that carry it are answered with 401."),
    "matcher": (
        "This is no matcher, or its pattern is no regular expression (RE2). A matcher is a "
        "label's name, one of = != =~ !~ and a value; patterns match the whole value."
    ),
    "route": ("The routing tree cannot work so."),
    "unknown-receiver": (
        "A route names a receiver that nobody defines. Receivers are the [[receivers]] of "
        "config.toml and every notifier under its own name."
    ),
    "unknown-notifier": ("A receiver or a fallback names a notifier for which there is no file."),
    "unknown-source": ("A rule group names a source that is not in [sources.NAME]."),
    "unknown-interval": ("A route names a time interval that is not in [[time_intervals]]."),
    "maintenance": (
        "The calendar of a maintenance window cannot be meant: it is none, ends when it begins, or "
        "begins again before it has ended. It is cron (five fields) and duration, or start_time and "
        "end_time with or without weekdays; location is the place whose clocks are meant."
    ),
    "nobody-told": ("Alerts would come here and nobody would be told, because every notifier is disabled."),
    "rule": ("A rule or a group cannot work so, or does not do what it seems to do."),
    "expression": ("The expression is not PromQL, or gives something that cannot be an alert."),
    "dialect": (
        "The expression uses what only some servers know (MetricsQL, newer or older PromQL), so "
        "it cannot be checked here. Such a rule runs in a query of its own. `hbalert check "
        "--live` asks the server."
    ),
    "condition": (
        "A comparison holds always or never, whatever the data are: a share of 0 to 1 compared with 90, "
        "a rate below 0, two conditions that exclude each other. The rule fires for ever or never."
    ),
    "label-gone": (
        "A text shows a label that the results of the expression cannot have: an aggregation or a join "
        "leaves it out, so that people read an empty place. `by (...)` and group_left(...) keep labels."
    ),
    "own-alerts": (
        "A rule looks for alerts of hbalert itself in Prometheus' ALERTS. It would see them late, "
        "if at all; inhibit_rules relate alerts to each other directly."
    ),
    "template": ("The text of a label or an annotation cannot be expanded."),
    "source-down": ("The source did not answer, so that nothing could be asked about the rules on it."),
    "unknown-metric": (
        "The source has no series of this name now. The rule can never fire as long as that is so."
    ),
    "counter-name": ("The source has this counter under its full name, which ends in _total."),
    "unknown-label": ("No series of the metric has this label, so that the condition on it never holds."),
    "unknown-value": (
        "The metric has the label, but no series of today or of the last day has the value that is asked "
        "for, so that the condition has never held. Mostly it is a slip of the pen, or another job's name."
    ),
    "short-range": (
        "A slope needs two samples, and a range shorter than two scrapes holds one at most: the function "
        "gives nothing, and the rule never fires. Four scrapes are the usual choice: one may fail."
    ),
    "kind": (
        "The function is made for the other kind of metric. rate() and increase() take a fall for a "
        "restart of a counter, so that a gauge going down counts as growth; delta() and deriv() see a "
        "restart of a counter as a fall."
    ),
    "slow": (
        "The source takes longer for this than the time between two evaluations: slots are missed, and "
        "everything else that asks this source waits."
    ),
    "noisy": (
        "On the data of now or of the last day the rule has more alerts than anybody reads, or than its "
        "own limit lets through."
    ),
    "refused": ("The source answered that the expression is wrong."),
}
"""Code -> what it means and why it matters."""
