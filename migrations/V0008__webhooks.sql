-- What trusted sources have told us: each event once, and those that have to wait for what they are about.

create type webhook_status as enum ('pending', 'applied');

create table webhook_inbox (
    id uuid primary key,
    source text not null,
    -- The sender's own id of the event, out of what was signed.
    event_id text not null check (length(event_id) between 1 and 255),
    type text not null,
    status webhook_status not null,
    -- When it happened over there; a time in the future counts as the time of arrival.
    occurred_at timestamptz not null,
    received_at timestamptz not null default now(),
    applied_at timestamptz,
    -- What it is about, like 'gallery:photoday/PD-20931'. An event and the making of its subject take the same
    -- advisory lock on this text, so that one of the two always sees the other.
    subject text not null,
    -- The event's data while it is needed.
    payload jsonb,
    constraint webhook_inbox_source_event_id_key unique (source, event_id),
    constraint webhook_inbox_applied_has_its_moment check ((status = 'applied') = (applied_at is not null))
);
create index webhook_inbox_pending_idx on webhook_inbox (subject, occurred_at) where status = 'pending';

-- The time of the event that decided the status: an older event never undoes a newer one.
alter table galleries add column status_event_at timestamptz;

grant select, insert, update on webhook_inbox to isoxp_api;
grant select, update on webhook_inbox to isoxp_worker;
grant update (status, public_url, live_at, archived_at, status_event_at) on galleries to isoxp_worker;
