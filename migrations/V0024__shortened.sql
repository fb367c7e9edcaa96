-- The CRM's fields have room for less than ours. What is shortened there, or left out, is told to admins once.
alter table sync_conflicts
    drop constraint sync_conflicts_kept_check,
    -- both: theirs cannot be stored here and is not written over. shortened: the CRM has no room for ours; theirs is what
    -- was written there instead, and blank where that was nothing.
    add constraint sync_conflicts_kept_check check (kept in ('ours', 'theirs', 'both', 'shortened'));
