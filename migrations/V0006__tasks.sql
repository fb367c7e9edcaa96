-- Follow-up work. A row is written in the same transaction as the change that asks for it; a queue
-- message only says "look", so losing, doubling or reordering messages changes latency, never the
-- outcome. One clock rules here: this database's.

create table task_kinds (
    kind text primary key,
    -- No task of this kind is claimed or sent before this instant ('infinity': until an admin says so).
    paused_until timestamptz,
    reason text,
    constraint task_kinds_a_pause_has_a_reason check (paused_until is null or reason is not null)
);

create table tasks (
    kind text not null references task_kinds (kind),
    -- The row the work is about: a user, a gallery, a batch.
    key uuid not null,
    -- Counts the requests: work that began before the last one has not seen what it is about.
    revision bigint not null default 1,
    -- Smaller goes first.
    priority smallint not null default 0,
    not_before timestamptz not null,
    -- When sweep-tasks sends the next message, should none have led to work by then.
    dispatch_at timestamptz not null,
    attempts integer not null default 0,
    -- Leases that ended without an outcome: the process died, or hung past its timeout.
    crashes integer not null default 0,
    lease uuid,
    leased_until timestamptz,
    failed_at timestamptz,
    -- {"code","message","field"}: why the last attempt did not succeed. With failed_at null: it goes on.
    failure jsonb,
    primary key (kind, key),
    constraint tasks_a_lease_ends check ((lease is null) = (leased_until is null)),
    constraint tasks_a_failure_has_a_reason check (failed_at is null or failure is not null),
    constraint tasks_failure_is_bounded check (failure is null or length(failure::text) <= 2000)
);
create index tasks_due_idx on tasks (kind, priority, not_before) where failed_at is null;
create index tasks_dispatch_idx on tasks (kind, dispatch_at) where failed_at is null;
create index tasks_failed_idx on tasks (kind, failed_at) where failed_at is not null;

insert into task_kinds (kind) values ('sync-zoho');

grant select, insert, update on tasks to isoxp_api;
grant select, insert, update, delete on tasks to isoxp_worker;
grant select on task_kinds to isoxp_api;
grant select, update (paused_until, reason) on task_kinds to isoxp_worker;
