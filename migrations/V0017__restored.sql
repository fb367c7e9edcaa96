-- How far those whose record is gone over there have been looked for, since it may have come back. The time is ours.
alter table zoho_cursors add column restored_to timestamptz;
