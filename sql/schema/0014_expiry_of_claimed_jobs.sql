-- Why: a claimed job may wait for room (memory, a resource, slots) before its attempt
-- begins, and `expires` bounds that wait too. Such a job has an attempt that never began.

-- +goose Up

-- What failed once has begun, and does not expire any more.
alter table job drop constraint job_expired,
    add constraint job_expired check (state <> 'expired' or (failures = 0 and wait_until is not null));
