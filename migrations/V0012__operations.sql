-- What admins look at, found by indexes however much there is.

-- Failures are read a page at a time, the newest first: of each kind those that wait for somebody, and those that go on
-- by themselves.
drop index tasks_failed_idx;
create index tasks_failed_idx on tasks (kind, failed_at, key) where failed_at is not null;
create index tasks_retrying_idx on tasks (kind, not_before, key) where failure is not null and failed_at is null;

-- Deliveries: of each endpoint and each status. This serves whatever the two narrower ones did.
create index webhook_deliveries_endpoint_status_idx on webhook_deliveries (endpoint, status, id desc);
drop index webhook_deliveries_endpoint_idx;
drop index webhook_deliveries_open_idx;

-- When a source was last heard of, and what ended without an effect.
create index webhook_inbox_source_idx on webhook_inbox (source, received_at);
create index webhook_inbox_ended_idx on webhook_inbox (status) where ended_at is not null;

-- Held alerts are those of held batches and those without a batch; what went later than an uncertain batch speaks for
-- or against it.
create index alert_batches_held_idx on alert_batches (gallery_id) where status = 'held';
create index alert_batches_sent_at_idx on alert_batches (sent_at) where sent_at is not null;
