-- A silence that is an occurrence of a maintenance window names it, and is kept until that would have
-- ended, however early it was ended by hand.
ALTER TABLE silence ADD COLUMN kept_until INTEGER;
ALTER TABLE silence ADD COLUMN window_name TEXT NOT NULL DEFAULT '';

-- Old rows are written anew with all columns: rows are told apart by their shape when nothing leads to
-- them any more.
UPDATE silence SET window_name = '';

-- Maintenance windows made at run time. recurrence is JSON: cron, duration, weekdays, start, end, location.
CREATE TABLE maintenance (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    matchers TEXT NOT NULL,
    recurrence TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_by TEXT NOT NULL,
    made_at INTEGER NOT NULL
);
