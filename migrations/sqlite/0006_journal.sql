-- What was said and has no place in `events` yet: storage/src/sql/journal.rs.
CREATE TABLE journal (
    place  INTEGER PRIMARY KEY,      -- in the order of commits
    events TEXT NOT NULL             -- JSON: rows of `events`
);

-- Which request ids were used, by sorted runs instead of one row each: storage/src/sql/cids/.
CREATE TABLE cids (
    place   INTEGER PRIMARY KEY,     -- run << 48 | the highest 48 bits of the first hash
    entries BLOB    NOT NULL         -- of 16 bytes: hash, event_key
);
CREATE TABLE cid_runs (
    run     INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL,
    filter  BLOB    NOT NULL
);
DROP INDEX events_cid;
