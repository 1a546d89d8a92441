-- Why: the rows that a job, its files, its attempts and its end consist of, with the
-- state machine in constraints, so that no program, ours included, can write a row
-- that the rest of the service would not know how to read.

-- +goose Up

-- A group is jobs submitted or caused together.
create table job_group (
    id          text primary key check (id ~ '^[A-Z2-7]{26}$'),
    owner       text not null,
    manage_hash bytea,
    created_at  timestamptz not null default now()
);

-- A job is one request. What belongs to one attempt stands in attempt, what belongs to
-- the end in result: an update of this row at its end touches no indexed column, so
-- PostgreSQL can keep the new version on the same page without touching any index
-- (a heap-only tuple). For the same reason claimable and waiting are columns of their
-- own: a column that is only named in an index predicate counts as indexed too.
create table job (
    id             text primary key check (id ~ '^[A-Z2-7]{26}$'),
    seq            bigint generated always as identity,
    owner          text not null,
    manage_hash    bytea,
    group_id       text references job_group,
    retry_of       text,
    recipe         text not null check (recipe <> ''),
    recipe_version text not null,
    queue          text not null check (queue <> ''),
    priority       smallint not null check (priority between -10 and 10),
    -- turn orders the owners' jobs of one queue and priority fairly; see insert.sql.
    turn           bigint not null check (turn > 0),
    params         jsonb not null check (jsonb_typeof(params) = 'object'),
    tags           jsonb not null check (jsonb_typeof(tags) = 'object'),
    email          text not null,
    lang           text not null,
    trace_context  jsonb not null check (jsonb_typeof(trace_context) = 'object'),

    state          text not null,
    claimable      boolean not null generated always as (state = 'queued') stored,
    waiting        boolean not null generated always as (state in ('scheduled', 'blocked', 'queued')) stored,
    attempt        integer not null default 0,
    failures       integer not null default 0,
    max_attempts   integer not null,
    token          text,
    class          text,

    created_at     timestamptz not null default now(),
    run_at         timestamptz,
    started_at     timestamptz,
    ended_at       timestamptz,
    wait_until     timestamptz,
    cancel_requested_at timestamptz,
    deleted_at     timestamptz,
    -- forgotten_at is when a deleted job's personal data was taken out of its rows.
    forgotten_at   timestamptz,

    constraint job_state_known check (state in
        ('scheduled', 'blocked', 'queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired')),
    constraint job_ended_at check
        ((ended_at is not null) = (state in ('succeeded', 'failed', 'cancelled', 'expired'))),
    constraint job_class check (case state
        when 'succeeded' then class is not distinct from 'succeeded'
        when 'cancelled' then class is not distinct from 'cancelled'
        when 'failed' then coalesce(class in ('bad_input', 'converter_failed', 'timeout',
            'memory', 'disk', 'killed', 'lost', 'internal'), false)
        else class is null end),
    constraint job_token check ((token is not null) = (state = 'running')),
    constraint job_token_filled check (token <> ''),
    constraint job_attempt check (attempt >= 0 and (attempt > 0 or state not in ('running', 'succeeded', 'failed'))),
    constraint job_started_at check ((started_at is not null) = (attempt > 0)),
    constraint job_failures check (failures between 0 and least(attempt, max_attempts)),
    constraint job_attempts_left check (max_attempts >= 1 and (not waiting or failures < max_attempts)),
    constraint job_scheduled check (state <> 'scheduled' or run_at is not null),
    constraint job_expired check (state <> 'expired' or (attempt = 0 and wait_until is not null)),
    constraint job_cancel check (cancel_requested_at is null or not waiting),
    constraint job_deleted check (deleted_at is null or not waiting),
    constraint job_forgotten check (forgotten_at is null or (deleted_at is not null and ended_at is not null))
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000,
    toast.autovacuum_vacuum_cost_delay = 0
);

create unique index job_seq on job (seq);
-- The claim's index; it holds the jobs that could start now and nothing else.
create index job_claim on job (queue, priority desc, turn, seq) where claimable;
-- Jobs that wait: per owner for the turn, by time for those that become due or expire.
create index job_turn on job (owner, queue, turn) where waiting;
create index job_due on job (run_at) where waiting and run_at is not null;
create index job_expiring on job (wait_until) where waiting and wait_until is not null;
-- Lists, newest first.
create index job_owner on job (owner, seq);
create index job_recipe on job (recipe, seq);
create index job_group_id on job (group_id, seq) where group_id is not null;
create index job_tags on job using gin (tags jsonb_path_ops) where tags <> '{}';
-- Deleted jobs whose files or personal data are still there.
create index job_deleted_at on job (deleted_at) where deleted_at is not null and forgotten_at is null;

-- The turn of the job claimed last, per queue: a newcomer starts right behind it.
create table queue_turn (
    queue text primary key,
    turn  bigint not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table input (
    job        text not null references job on delete cascade,
    number     integer not null check (number >= 1),
    -- file is the name on disk beneath the job's in folder, name what people see.
    file       text not null check (file <> '' and file not like '%/%'),
    name       text not null,
    size       bigint not null check (size >= 0),
    sha256     text not null,
    media_type text not null,
    primary key (job, number)
);

create table output (
    job        text not null references job on delete cascade,
    kind       text not null check (kind in ('output', 'preview')),
    number     integer not null check (number >= 1),
    -- attempt is the one that made it: the file lies in out.ATTEMPT or preview.ATTEMPT.
    attempt    integer not null check (attempt >= 1),
    file       text not null check (file <> '' and file not like '%/%'),
    name       text not null,
    size       bigint not null check (size >= 0),
    sha256     text not null,
    media_type text not null,
    primary key (job, kind, number)
);

-- An attempt is one execution. Its row is made by the claim, before anything starts.
create table attempt (
    job        text not null references job on delete cascade,
    number     integer not null check (number >= 1),
    started_at timestamptz not null default now(),
    ended_at   timestamptz,
    -- class is what it came to; null with ended_at set means it was put back, not counted.
    class      text check (class in ('succeeded', 'bad_input', 'converter_failed', 'timeout', 'memory',
        'disk', 'killed', 'lost', 'internal', 'cancelled')),
    detail     text not null default '',
    exit_code  integer not null default 0,
    signal     text not null default '',
    recipe_version    text not null,
    wall_seconds      double precision not null default 0 check (wall_seconds >= 0),
    cpu_seconds       double precision not null default 0 check (cpu_seconds >= 0),
    peak_memory_bytes bigint not null default 0 check (peak_memory_bytes >= 0),
    ran        json,
    limits     json,
    dispatcher text not null,
    boot_id    text not null,
    cgroup     text not null default '',
    pid        integer not null default 0,
    primary key (job, number),
    constraint attempt_ended check (class is null or ended_at is not null)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02);

-- At most one live attempt of a job; also how running jobs are found.
create unique index attempt_live on attempt (job) where ended_at is null;

-- A result is the end of a job: one slim row that history, retention and estimates are
-- looked up by, so that the job's own row needs no index on anything its end changes.
create table result (
    job        text primary key references job on delete cascade,
    seq        bigint not null,
    recipe     text not null,
    state      text not null check (state in ('succeeded', 'failed', 'cancelled', 'expired')),
    class      text,
    ended_at   timestamptz not null default now(),
    detail     text not null default '',
    hint       text not null default '',
    step       text not null default '',
    exit_code  integer not null default 0,
    signal     text not null default '',
    input_bytes       bigint not null default 0,
    wall_seconds      double precision not null default 0 check (wall_seconds >= 0),
    cpu_seconds       double precision not null default 0 check (cpu_seconds >= 0),
    peak_memory_bytes bigint not null default 0 check (peak_memory_bytes >= 0),
    keep_until    timestamptz not null,
    files_gone_at timestamptz,
    constraint result_class check ((class is null) = (state = 'expired'))
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

create index result_state on result (state, seq);
create index result_ended on result (ended_at);
create index result_usual on result (recipe, seq) where state = 'succeeded';
create index result_keep on result (keep_until) where files_gone_at is null;

-- A mail that is owed, written in the transaction that ended its job.
create table outbox (
    id           bigint generated always as identity primary key,
    -- job is null for mails about several jobs (digests); key makes the Message-ID.
    job          text references job on delete cascade,
    key          text not null unique,
    kind         text not null check (kind <> ''),
    recipient    text not null,
    -- attach says that the job's files may go with it.
    attach       boolean not null default false,
    payload      json not null,
    created_at   timestamptz not null default now(),
    due_at       timestamptz not null default now(),
    tries        integer not null default 0 check (tries >= 0),
    last_error   text not null default '',
    sent_at      timestamptz,
    withdrawn_at timestamptz,
    constraint outbox_one_end check (sent_at is null or withdrawn_at is null)
);

create index outbox_due on outbox (due_at) where sent_at is null and withdrawn_at is null;
create index outbox_job on outbox (job) where job is not null;

-- One submission per owner and key for a day. job is null while the submission is in
-- progress; instance is the web process that works on it.
create table idempotency (
    scope       text not null,
    key         text not null,
    instance    bigint not null,
    claim       text not null,
    fingerprint bytea,
    job         text references job on delete cascade,
    created_at  timestamptz not null default now(),
    primary key (scope, key),
    constraint idempotency_done check ((job is null) = (fingerprint is null))
);

create index idempotency_job on idempotency (job) where job is not null;
create index idempotency_created_at on idempotency (created_at);
