-- SQLite's search index is a file of its own, `search.db`, off the commit path:
-- storage/src/sql/search/sqlite.rs.
SELECT 1;
