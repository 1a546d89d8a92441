-- $1 id
--
-- What is owed stays: a failure is mailed to the administrator, without the files.
with target as (
    update job set owner = '', manage_hash = null, group_id = null, retry_of = null, replays = null, params = '{}', tags = '{}',
        email = '', lang = '', trace_context = '{}', forgotten_at = now()
    where id = $1 and deleted_at is not null and ended_at is not null and forgotten_at is null
    returning id
), inputs as (
    update input i set name = '', sha256 = '' from target t where i.job = t.id
), outputs as (
    delete from output o using target t where o.job = t.id
), attempts as (
    update attempt a set detail = '', ran = null, advice = null from target t where a.job = t.id
), results as (
    update result r set detail = '', hint = '', files_gone_at = coalesce(r.files_gone_at, now())
    from target t where r.job = t.id
), mails as (
    update outbox o set recipient = '', payload = '{}', last_error = ''
    from target t where o.job = t.id and (o.sent_at is not null or o.withdrawn_at is not null)
)
delete from idempotency k using target t where k.job = t.id
