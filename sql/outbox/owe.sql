-- $1 key, $2 kind, $3 recipient, $4 attach, $5 payload
insert into outbox (key, kind, recipient, attach, payload) values ($1, $2, $3, $4, $5)
on conflict (key) do nothing
