-- Why: dead versions of claimed rows stay in the index of the claim for as long as
-- somebody's old transaction may still want to see them. The claim therefore begins in
-- each lane (the jobs of one queue and priority) at a turn that it remembers, and must
-- know the lanes without walking that index. For the same reason the turn claimed last
-- is not one row that is changed at each claim but the newest of rows that are only added.

-- +goose Up
create table lane (
    queue    text not null check (queue <> ''),
    priority smallint not null check (priority between -10 and 10),
    primary key (queue, priority)
);
insert into lane select distinct queue, priority from job;

alter table queue_turn drop constraint queue_turn_pkey;
alter table queue_turn add primary key (queue, turn);
alter table queue_turn reset (fillfactor);
