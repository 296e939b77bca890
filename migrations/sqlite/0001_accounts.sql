-- The store itself: its epoch, and secrets that all nodes share.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    user_key      INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    username      TEXT    UNIQUE,             -- lower case
    phone         TEXT    UNIQUE,             -- E.164
    password_hash TEXT,                       -- argon2id, PHC string
    nickname      TEXT    NOT NULL,
    nickname_fold TEXT    NOT NULL,           -- lower case, for search by prefix
    avatar        TEXT,
    bio           TEXT,
    language      TEXT,
    role          INTEGER NOT NULL DEFAULT 0, -- 0 user, 1 admin, 2 guest
    status        INTEGER NOT NULL DEFAULT 0, -- 0 active, 1 disabled, 2 deleted
    inbox_key     INTEGER NOT NULL UNIQUE,    -- rooms.room_key of the inbox
    created_at    INTEGER NOT NULL,
    last_seen_at  INTEGER
);
CREATE INDEX users_nickname ON users (nickname_fold);

-- A login on one device: a family of refresh tokens.
CREATE TABLE sessions (
    id           BLOB    PRIMARY KEY,
    user_key     INTEGER NOT NULL REFERENCES users (user_key),
    device       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    used_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    generation   INTEGER NOT NULL,            -- of the refresh token that is valid now
    refresh_hash BLOB    NOT NULL             -- SHA-256 of that token
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_key, ended_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE phone_codes (
    phone      TEXT    PRIMARY KEY,
    code_hash  BLOB    NOT NULL,
    sent_at    INTEGER NOT NULL,
    tries      INTEGER NOT NULL
) WITHOUT ROWID;
