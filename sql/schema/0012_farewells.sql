-- Why: a job that waits for its next attempt can have a job of its own at a service, which
-- works on. When it is cancelled or deleted then, no runner is there to tell the service.

-- +goose Up

-- A row is taken away once the service was told, or could not be for an hour.
create table farewell (
    job      text primary key references job on delete cascade,
    asked_at timestamptz not null default now()
);
