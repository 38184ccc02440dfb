-- missed: evaluations in a row that found no data of the series. flaps: how often the alert has started to
-- fire of late; empty: not at all. The table is made anew: rows with columns that were added later are
-- shorter than the others, and could not be told apart when they have to be rescued.
CREATE TABLE rule_alert_made_anew (
    number INTEGER PRIMARY KEY,
    rule_id TEXT NOT NULL,
    key BLOB NOT NULL,
    state TEXT NOT NULL,
    active_at INTEGER NOT NULL,
    value REAL,
    annotations TEXT NOT NULL,
    fired_at INTEGER,
    keep_firing_since INTEGER,
    resolved_at INTEGER,
    missed INTEGER NOT NULL,
    flaps TEXT NOT NULL,
    UNIQUE (rule_id, key)
);
INSERT INTO rule_alert_made_anew
SELECT number, rule_id, key, state, active_at, value, annotations,
    fired_at, keep_firing_since, resolved_at, 0, ''
FROM rule_alert;
DROP TABLE rule_alert;
ALTER TABLE rule_alert_made_anew RENAME TO rule_alert;
