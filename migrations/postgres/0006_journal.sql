-- PostgreSQL writes messages where they belong, and has an index of request ids.
SELECT 1;
