-- $1 who, $2 address, $3 via, $4 verb, $5 target, $6 detail, $7 characters at most
insert into act (who, address, via, verb, target, detail)
values (left($1, $7), left($2, $7), $3, $4, left($5, $7), left($6, $7))
returning id
