-- How a user stands to a peer; the other direction is a row of its own.
CREATE TABLE friends (
    user_key INTEGER NOT NULL REFERENCES users (user_key),
    peer_key INTEGER NOT NULL REFERENCES users (user_key),
    state    INTEGER NOT NULL,            -- 0 nothing, 1 has asked, 2 was asked, 3 friends
    blocked  INTEGER NOT NULL DEFAULT 0,  -- the user blocks the peer
    remark   TEXT,
    message  TEXT,                        -- what was said with the request
    at       INTEGER NOT NULL,            -- of the last change
    PRIMARY KEY (user_key, peer_key)
) WITHOUT ROWID;
