-- $1 ids, $2 why
update result set files_gone_at = now(), gone_for = $2, keep_until = least(keep_until, now())
where job = any($1) and files_gone_at is null
