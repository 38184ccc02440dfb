-- flapping: of which alerts the notifier was told that they flap, a list of keys like firing. The table is
-- made anew for the reason that 0003 gives.
CREATE TABLE log_entry_made_anew (
    number INTEGER PRIMARY KEY,
    group_id TEXT NOT NULL,
    notifier TEXT NOT NULL,
    firing BLOB NOT NULL,
    resolved BLOB NOT NULL,
    flapping BLOB NOT NULL,
    at INTEGER NOT NULL,
    repeats INTEGER NOT NULL,
    UNIQUE (group_id, notifier)
);
INSERT INTO log_entry_made_anew
SELECT number, group_id, notifier, firing, resolved, x'90', at, repeats FROM log_entry;
DROP TABLE log_entry;
ALTER TABLE log_entry_made_anew RENAME TO log_entry;
