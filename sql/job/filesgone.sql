-- $1 ids
update result set files_gone_at = now() where job = any($1) and files_gone_at is null
