-- A call that puts tags on a Contact may arrive long after nobody waits for it any more: as long as it may, they are ours, there
-- or not.
alter table zoho_links add column tags_set_out_at timestamptz;

-- Whose record is to be made anew keeps what both sides had agreed on. (The release before deletes the row.)
grant update (gone_at, modified_at, tags) on zoho_links to isoxp_api;
