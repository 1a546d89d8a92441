-- $1 ids of jobs, $2 the tokens of their claims
--
-- Reads of each what its claim did not tell. A claim that the server lost in a crash has no
-- row with its token any more. The message makes this a commit that is waited for; with it
-- everything committed before, the claims among it, is on disk too.
with flushed as materialized (
    select pg_logical_emit_message(true, 'convertd', 'claims'::text)
)
select j.id, j.owner, coalesce(j.manage_hash, '') as manage_hash,
    coalesce(j.group_id, '') as group_id, coalesce(j.concurrency_key, '') as concurrency_key,
    j.created_at, j.run_at, j.wait_until, j.params, j.tags, j.email, j.lang, j.trace_context,
    array_to_json(array(select i from input i where i.job = j.id and i.number >= 1 order by i.number)) as inputs
from flushed cross join unnest($1::text[], $2::text[]) as c (id, token) join job j on j.id = c.id and j.token = c.token
