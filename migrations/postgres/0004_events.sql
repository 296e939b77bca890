-- Every log: of rooms and of inboxes.
CREATE TABLE events (
    event_key  BIGINT PRIMARY KEY,  -- room_key << 32 | seq
    at         BIGINT NOT NULL,
    kind       BIGINT NOT NULL,     -- storage/src/sql/event_row.rs
    sender_key BIGINT NOT NULL,     -- the user who did it
    cid        BYTEA,
    hash       BIGINT,              -- of the request's content, with the cid
    body       TEXT    NOT NULL      -- JSON
);
-- The cid first: those that begin with the time (UUID v7) stay together.
CREATE UNIQUE INDEX events_cid ON events (cid, sender_key) WHERE cid IS NOT NULL;

CREATE TABLE reactions (
    event_key BIGINT NOT NULL,      -- of the message
    user_key  BIGINT NOT NULL,
    emoji     TEXT    NOT NULL,
    seq       BIGINT NOT NULL,      -- of the last event about it
    active    BIGINT NOT NULL,
    PRIMARY KEY (event_key, user_key, emoji)
);
