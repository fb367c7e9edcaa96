-- What both sides of the CRM need to know after a call that nobody heard the end of, and after a refusal that another
-- record is to blame for.

-- What we have set out to write on a record and do not know to have arrived: a list, of which any may have. Where it
-- stands over there, it is our own word and nobody's edit. And under which lease that was set out.
alter table zoho_links add column sent jsonb, add column sent_by uuid;

-- Work that failed for another record goes on when that record has changed.
create index tasks_failed_record_idx on tasks ((failure ->> 'record')) where failed_at is not null;

-- A Contact of somebody who is still to be erased is nobody else's, also without an id on it.
create index erasures_zoho_contact_id_idx on erasures (zoho_contact_id) where erased_at is null;
create index erasures_zoho_account_id_idx on erasures (zoho_account_id) where erased_at is null;
