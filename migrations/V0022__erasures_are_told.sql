-- Addresses that a user had before, by their hashes: events about orders name their buyer by such a hash, and what they said
-- goes with the user whatever the address was by then.
create table former_emails (
    user_id uuid not null references users (id) on delete cascade,
    email_sha256 bytea not null check (length(email_sha256) = 32),
    primary key (user_id, email_sha256)
);
grant select, insert on former_emails to isoxp_api;

-- That a user was deleted is told to endpoints, when there is no row of the user any more. The event goes when the erasure
-- is forgotten.
alter table webhook_events
    add column deleted_user_id uuid references erasures (user_id) on delete cascade,
    drop constraint webhook_events_has_one_subject,
    add constraint webhook_events_has_one_subject
        check (num_nonnulls(user_id, gallery_id, referral_id, deleted_user_id) = 1);
create index webhook_events_deleted_user_id_idx on webhook_events (deleted_user_id) where deleted_user_id is not null;
