-- Every log: of rooms and of inboxes.
CREATE TABLE events (
    event_key  INTEGER PRIMARY KEY,  -- room_key << 32 | seq
    at         INTEGER NOT NULL,
    kind       INTEGER NOT NULL,     -- storage/src/sql/event_row.rs
    sender_key INTEGER NOT NULL,     -- the user who did it
    cid        BLOB,
    hash       INTEGER,              -- of the request's content, with the cid
    body       TEXT    NOT NULL      -- JSON
);
-- The cid first: those that begin with the time (UUID v7) stay together.
CREATE UNIQUE INDEX events_cid ON events (cid, sender_key) WHERE cid IS NOT NULL;

CREATE TABLE reactions (
    event_key INTEGER NOT NULL,      -- of the message
    user_key  INTEGER NOT NULL,
    emoji     TEXT    NOT NULL,
    seq       INTEGER NOT NULL,      -- of the last event about it
    active    INTEGER NOT NULL,
    PRIMARY KEY (event_key, user_key, emoji)
) WITHOUT ROWID;
