-- Why: an attempt that failed in its box says what the box did not have, for the
-- administrator alone.

-- +goose Up

-- advice is the list of sentences, null when there is none.
alter table attempt add column advice json;
