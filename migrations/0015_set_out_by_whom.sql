-- Several workers may have set out to write on one record, and each knows only of its own write what has become of it: each
-- entry of `zoho_links.sent` says whose it is, and since when: {"by": lease, "at": seconds of the epoch, "changes": {…}}.
update zoho_links set sent = (
    select jsonb_agg(jsonb_build_object(
        'by', coalesce(sent_by, '00000000-0000-0000-0000-000000000000'),
        'at', extract(epoch from now())::bigint,
        'changes', changes
    ))
    from jsonb_array_elements(sent) as changes
)
where sent is not null;
alter table zoho_links drop column sent_by;
