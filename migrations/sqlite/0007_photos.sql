-- 0 none, 1 client, 2 photographer, 3 editor, 4 owner
ALTER TABLE members ADD COLUMN photo_role INTEGER NOT NULL DEFAULT 0;

-- Live photo sessions; each is a room of kind 3, whose name is its title.
CREATE TABLE photo_sessions (
    room_key      INTEGER PRIMARY KEY REFERENCES rooms (room_key),
    owner_key     INTEGER NOT NULL REFERENCES users (user_key),
    cover_key     INTEGER,                    -- of photos
    code_version  INTEGER NOT NULL,
    code_hash     BLOB    NOT NULL UNIQUE,
    media_version INTEGER NOT NULL DEFAULT 1, -- another one when anybody's permissions become less
    gate          INTEGER NOT NULL,
    guests        INTEGER NOT NULL,
    viewers_max   INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL DEFAULT 0, -- 0 never
    closed_at     INTEGER,
    closed_why    INTEGER NOT NULL DEFAULT 0, -- 1 closed, 2 expired, 3 deleted
    permissions   TEXT    NOT NULL,           -- JSON
    watermark     TEXT    NOT NULL,           -- JSON
    cameras       TEXT    NOT NULL,           -- JSON
    downloads     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX photo_sessions_expiring ON photo_sessions (expires_at)
    WHERE closed_at IS NULL AND expires_at > 0;
CREATE INDEX photo_sessions_closed ON photo_sessions (closed_at) WHERE closed_at IS NOT NULL;

-- A photo that was deleted leaves its keys, so that its address is known to be gone.
CREATE TABLE photos (
    photo_key     INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    room_key      INTEGER NOT NULL REFERENCES rooms (room_key),
    user_key      INTEGER NOT NULL REFERENCES users (user_key),
    upload        BLOB    NOT NULL UNIQUE,
    cid           BLOB    NOT NULL,           -- of the upload
    name          TEXT    NOT NULL,
    title         TEXT,
    tags          TEXT    NOT NULL DEFAULT '[]',
    state         INTEGER NOT NULL,           -- -1 deleted, 0 pending, 1 live, 2 hidden
    status        INTEGER NOT NULL DEFAULT 0, -- 0 processing, 1 ready, 2 failed
    width         INTEGER NOT NULL,
    height        INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    mime          TEXT    NOT NULL,           -- of the original
    upload_mime   TEXT    NOT NULL,           -- what the client said it was
    sha256        BLOB    NOT NULL,
    thumbhash     TEXT    NOT NULL,
    colour        TEXT    NOT NULL,
    taken_at      INTEGER,                    -- by the camera's clock
    camera        TEXT    NOT NULL DEFAULT '[]',
    sort          INTEGER NOT NULL,           -- 1/1024 milliseconds
    moved         INTEGER NOT NULL DEFAULT 0, -- by hand
    unpinned      INTEGER NOT NULL DEFAULT 1, -- 0 before all others
    variants      TEXT    NOT NULL DEFAULT '[]',
    failed        TEXT,
    claimed_until INTEGER NOT NULL DEFAULT 0, -- somebody processes it until then
    added_seq     INTEGER NOT NULL,           -- its first event
    added_at      INTEGER NOT NULL,
    shown_seq     INTEGER NOT NULL DEFAULT 0, -- the event that shows it; 0 none
    likes         INTEGER NOT NULL DEFAULT 0,
    comments      INTEGER NOT NULL DEFAULT 0,
    selected      INTEGER NOT NULL DEFAULT 0, -- users who have it in a list
    downloads     INTEGER NOT NULL DEFAULT 0,
    files         INTEGER NOT NULL DEFAULT 1  -- 0 they are deleted, too
);
CREATE INDEX photos_order ON photos (room_key, unpinned, sort, id, state) WHERE state >= 0;
CREATE INDEX photos_state ON photos (room_key, state);
CREATE UNIQUE INDEX photos_content ON photos (room_key, sha256) WHERE state >= 0;
CREATE UNIQUE INDEX photos_cid ON photos (cid, user_key);
CREATE INDEX photos_unfinished ON photos (claimed_until) WHERE status = 0 AND state >= 0;
CREATE INDEX photos_dead ON photos (photo_key) WHERE state = -1 AND files = 1;

-- What the camera wrote; apart, so that pages of photos are dense.
CREATE TABLE photo_metadata (
    photo_key INTEGER PRIMARY KEY REFERENCES photos (photo_key),
    metadata  TEXT    NOT NULL                -- JSON
);

CREATE TABLE photo_likes (
    photo_key INTEGER NOT NULL REFERENCES photos (photo_key),
    user_key  INTEGER NOT NULL REFERENCES users (user_key),
    PRIMARY KEY (photo_key, user_key)
) WITHOUT ROWID;

-- Lists of users; `favourites` is one of them.
CREATE TABLE photo_marks (
    photo_key INTEGER NOT NULL REFERENCES photos (photo_key),
    user_key  INTEGER NOT NULL REFERENCES users (user_key),
    list      TEXT    NOT NULL,
    room_key  INTEGER NOT NULL REFERENCES rooms (room_key),
    at        INTEGER NOT NULL,
    PRIMARY KEY (photo_key, user_key, list)
) WITHOUT ROWID;
CREATE INDEX photo_marks_list ON photo_marks (room_key, user_key, list, photo_key);

CREATE TABLE photo_comments (
    photo_key INTEGER NOT NULL REFERENCES photos (photo_key),
    event_key INTEGER NOT NULL,
    PRIMARY KEY (photo_key, event_key)
) WITHOUT ROWID;

CREATE TABLE uploads (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_key   INTEGER NOT NULL REFERENCES users (user_key),
    cid        BLOB    NOT NULL,
    room_key   INTEGER NOT NULL REFERENCES rooms (room_key),
    request    TEXT    NOT NULL,              -- JSON
    purpose    INTEGER NOT NULL,              -- 0 photo, 1 watermark
    begun_at   INTEGER NOT NULL,
    photo      BLOB,                          -- the id of what it became
    seq        INTEGER NOT NULL DEFAULT 0,
    had        INTEGER NOT NULL DEFAULT 0,
    gone       INTEGER NOT NULL DEFAULT 0     -- 1 a watermark whose file is to be deleted
);
CREATE UNIQUE INDEX uploads_cid ON uploads (cid, user_key);
CREATE INDEX uploads_going ON uploads (user_key, begun_at) WHERE photo IS NULL;
CREATE INDEX uploads_begun ON uploads (begun_at) WHERE purpose = 0 OR photo IS NULL;
CREATE INDEX uploads_watermark ON uploads (room_key) WHERE purpose = 1;

CREATE TABLE downloads (
    name       BLOB    NOT NULL PRIMARY KEY,
    body       TEXT    NOT NULL,              -- JSON
    expires_at INTEGER NOT NULL
);
CREATE INDEX downloads_expiring ON downloads (expires_at);
