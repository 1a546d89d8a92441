-- $1 id, $2 owner, $3 manage hash
insert into job_group (id, owner, manage_hash) values ($1, $2, $3)
