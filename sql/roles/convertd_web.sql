-- Why: the web process speaks with strangers. Its role may do what submitting, showing,
-- cancelling, keeping and deleting take, and nothing to attempts, outputs or mails: what a
-- job came to is the dispatcher's alone to say. The constraints of job keep it from making
-- a job run, which takes a token and an attempt.

grant select on all tables in schema public to convertd_web;

grant insert on job, input, dependency, lane, job_group, result, refusal, cache_drop, act, farewell to convertd_web;
grant update (state, class, ended_at, cancel_requested_at, deleted_at, group_id) on job to convertd_web;
grant update (keep_until, kept) on result to convertd_web;
grant update (attach) on outbox to convertd_web;
grant update (outcome) on act to convertd_web;
grant insert, update, delete on idempotency, queue_pause, drain to convertd_web;
