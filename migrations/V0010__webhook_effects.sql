-- Events reach further than galleries: orders and bookings earn commissions, middleware links Contacts, and what
-- waits for too long ends with a record.

-- refused: it could not be applied once its subject had appeared. expired: its subject never appeared.
alter type webhook_status add value 'refused';
alter type webhook_status add value 'expired';

alter table webhook_inbox
    add column ended_at timestamptz,
    -- Why it was refused.
    add column reason text;
create index webhook_inbox_waiting_idx on webhook_inbox (received_at) where status = 'pending';
create index webhook_inbox_payload_idx on webhook_inbox (coalesce(applied_at, ended_at)) where payload is not null;

-- An order knows its buyer by her address alone. What waits for her keeps the address's hash and not the address.
-- Only ASCII letters are lowered (collation "C"), as the functions do it; convert_to depends on nothing but the
-- database's encoding, which never changes: hence immutable.
create function email_sha256(email text) returns bytea language sql immutable parallel safe as $$
    select sha256(convert_to(lower(email collate "C"), 'UTF8'))
$$;
create index users_email_sha256_idx on users (email_sha256(email));

-- Records that changed in the CRM. Nobody works on them yet: they are kept until somebody does.
insert into task_kinds (kind, paused_until, reason)
values ('pull-zoho', 'infinity', 'Changes in the CRM are not read yet.');

-- The time of the publication that named the address: publications may come in any order, and some name none.
alter table galleries add column public_url_event_at timestamptz;

grant update (public_url_event_at) on galleries to isoxp_worker;
grant insert on alert_batches to isoxp_api;
grant update (paused_until, reason) on task_kinds to isoxp_api;
grant insert on referral_ledger to isoxp_worker;
