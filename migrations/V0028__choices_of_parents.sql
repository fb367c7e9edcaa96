-- What a parent decides: whether to hear that photos are ready, and whether plugins and e-mails may name the athletes.
alter table profiles_parents
    add column email_alerts boolean not null default true,
    add column share_athlete_names boolean not null default true;
