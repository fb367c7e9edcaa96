-- Several workers may have set out to write on one record, and each knows only of its own write what has become of it: each
-- entry of `zoho_links.sent` says whose it is, and since when: {"by": lease, "at": milliseconds of the epoch, "changes": {…}}.
update zoho_links set sent = (
    select jsonb_agg(jsonb_build_object(
        'by', coalesce(sent_by, '00000000-0000-0000-0000-000000000000'),
        'at', floor(extract(epoch from now()) * 1000)::bigint,
        'changes', changes
    ))
    from jsonb_array_elements(sent) as changes
)
where sent is not null;
alter table zoho_links drop column sent_by;

-- Zoho knows a tag whatever its case, and shows it as whoever made it wrote it.
drop index zoho_links_senior_idx;
create or replace function has_senior_tag(tags text[]) returns boolean language sql immutable parallel safe as $$
    select exists (select from unnest(tags) as tag where tag ilike 'Senior %')
$$;
create index zoho_links_senior_idx on zoho_links (user_id) where has_senior_tag(tags);
