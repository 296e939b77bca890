CREATE TABLE search (
    event_key BIGINT   PRIMARY KEY,
    room_key  BIGINT   NOT NULL,
    at        BIGINT   NOT NULL,
    words     TSVECTOR NOT NULL
);
CREATE INDEX search_words ON search USING GIN (words);

-- How far the index has followed each room's log.
CREATE TABLE search_heads (
    room_key BIGINT PRIMARY KEY,
    seq      BIGINT NOT NULL
);
