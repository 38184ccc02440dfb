-- Times are microseconds since 1970, UTC. An alert's key is Labels.key: name 0xff value 0xff ...
-- Every table has an integer primary key, so that a damaged one can be read around the damage, and a
-- shape of its own, so that rows can be told apart when nothing leads to them any more.

-- Single facts: last_seen (when the store was last in use), last_sequence (of deliveries removed since).
CREATE TABLE fact (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    value INTEGER NOT NULL
);

CREATE TABLE alert (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    annotations TEXT NOT NULL,
    generator_url TEXT NOT NULL,
    claims TEXT NOT NULL
);

-- value is NULL for NaN, which SQLite cannot hold.
CREATE TABLE rule_alert (
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
    UNIQUE (rule_id, key)
);

CREATE TABLE alert_group (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    route_id TEXT NOT NULL,
    labels TEXT NOT NULL,
    next_flush_at INTEGER NOT NULL,
    flushed INTEGER NOT NULL
);

-- firing and resolved are lists of alert keys, in MessagePack: JSON has no bytes.
CREATE TABLE log_entry (
    number INTEGER PRIMARY KEY,
    group_id TEXT NOT NULL,
    notifier TEXT NOT NULL,
    firing BLOB NOT NULL,
    resolved BLOB NOT NULL,
    at INTEGER NOT NULL,
    repeats INTEGER NOT NULL,
    UNIQUE (group_id, notifier)
);

-- All deliveries; those that are not queued or sending are history.
CREATE TABLE delivery (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    sequence INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    notifier TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reached TEXT NOT NULL,
    refused TEXT NOT NULL,
    last_answer TEXT NOT NULL,
    settled_at INTEGER,
    notification TEXT NOT NULL
);
CREATE INDEX delivery_live ON delivery (sequence) WHERE state IN ('queued', 'sending');
CREATE INDEX delivery_sequence ON delivery (sequence);
CREATE INDEX delivery_time ON delivery (coalesce(settled_at, created_at), sequence);

CREATE TABLE silence (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    matchers TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    comment TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    annotations TEXT NOT NULL
);

CREATE TABLE notifier (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    held_until INTEGER,
    sends TEXT NOT NULL
);

CREATE TABLE attempt (
    number INTEGER PRIMARY KEY,
    delivery_id TEXT NOT NULL,
    notifier TEXT NOT NULL,
    at INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    result TEXT NOT NULL,
    reason TEXT NOT NULL,
    answer TEXT NOT NULL,
    provider_id TEXT NOT NULL
);
CREATE INDEX attempt_delivery ON attempt (delivery_id);

-- alert_hash is crc32 of alert_key: an index over the keys themselves would be as large as the table.
-- What a line does not speak of is NULL, and out of its index.
CREATE TABLE note (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    alert_hash INTEGER,
    alert_key BLOB,
    group_id TEXT,
    delivery_id TEXT NOT NULL,
    notifier TEXT NOT NULL
);
CREATE INDEX note_alert ON note (alert_hash) WHERE alert_hash IS NOT NULL;
CREATE INDEX note_group ON note (group_id) WHERE group_id IS NOT NULL;

-- Rows whose content could not be understood, as Python prints them: nothing is thrown away.
CREATE TABLE unreadable (
    number INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    content TEXT NOT NULL
);
