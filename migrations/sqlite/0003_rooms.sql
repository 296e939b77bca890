CREATE TABLE rooms (
    room_key     INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    kind         INTEGER NOT NULL,            -- 0 inbox, 1 direct, 2 group
    name         TEXT,
    announcement TEXT,
    history      INTEGER NOT NULL DEFAULT 0,  -- 0 since one joined, 1 all
    slow_mode_ms INTEGER NOT NULL DEFAULT 0,
    members      INTEGER NOT NULL DEFAULT 0,
    link         TEXT    UNIQUE,
    low_key      INTEGER,                     -- direct: the two users, the smaller key first
    high_key     INTEGER,
    created_at   INTEGER NOT NULL,
    closed_at    INTEGER,
    UNIQUE (low_key, high_key)
);

CREATE TABLE members (
    room_key    INTEGER NOT NULL REFERENCES rooms (room_key),
    user_key    INTEGER NOT NULL REFERENCES users (user_key),
    role        INTEGER NOT NULL,            -- -1 gone, 0 member, 1 admin, 2 owner
    joined_seq  INTEGER NOT NULL,
    changed_seq INTEGER NOT NULL,            -- the last event about this membership
    read        INTEGER NOT NULL DEFAULT 0,
    delivered   INTEGER NOT NULL DEFAULT 0,
    muted_until INTEGER NOT NULL DEFAULT 0,  -- may not write until then
    barred      INTEGER NOT NULL DEFAULT 0,  -- direct: not friends any more, or blocked
    -- What only the member sees of the conversation:
    muted       INTEGER NOT NULL DEFAULT 0,
    pinned      INTEGER NOT NULL DEFAULT 0,
    hidden_seq  INTEGER NOT NULL DEFAULT 0,  -- hidden while no message is above it
    draft       TEXT,
    PRIMARY KEY (room_key, user_key)
) WITHOUT ROWID;
CREATE INDEX members_user ON members (user_key, role);

-- Who may enter by `join_room {room}`.
CREATE TABLE invitations (
    room_key   INTEGER NOT NULL REFERENCES rooms (room_key),
    user_key   INTEGER NOT NULL REFERENCES users (user_key),
    invited_by INTEGER NOT NULL REFERENCES users (user_key),
    at         INTEGER NOT NULL,
    PRIMARY KEY (room_key, user_key)
) WITHOUT ROWID;
