-- Whether a lease that a link names is still somebody's.
create index tasks_lease_idx on tasks (lease) where lease is not null;
