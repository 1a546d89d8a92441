-- Why: a replay runs the recipe as it was declared then, on a machine that may have
-- changed; a disk that fills up takes old results before their time.

-- +goose Up

-- declaration has each recipe as it was when it ran. It is a table of its own because the
-- dispatcher runs what is in it: nobody else may write it.
create table declaration (
    recipe   text not null check (recipe <> ''),
    version  text not null check (version <> ''),
    -- text is the JSON that the version is the hash of, byte by byte.
    text     text not null,
    first_at timestamptz not null default now(),
    used_at  timestamptz not null default now(),
    primary key (recipe, version)
);

-- replays is the attempt of retry_of that the job does again as it was.
alter table job
    add column replays integer,
    add constraint job_replays check (replays is null or replays >= 1 and retry_of is not null);

-- machine is where an attempt ran and a dispatcher works: host, version, what the box has.
alter table attempt add column machine json;
alter table dispatcher add column machine json;

-- kept: somebody asked for keep_until. gone_for is why the files went before it.
alter table result
    add column kept boolean not null default false,
    add column gone_for text not null default '' check (gone_for in ('', 'disk'));
create index result_oldest on result (kept, ended_at) where files_gone_at is null;
