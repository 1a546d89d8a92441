-- Why: the dispatcher may write every row and change no table.

grant select, insert, update, delete on all tables in schema public to convertd_dispatcher;
revoke insert, update, delete on goose_db_version from convertd_dispatcher;
