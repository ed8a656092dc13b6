-- Warnings and sanctions (the limits of the rulebook), and what is recorded whether they are on or not.

create table sanction (
  id text not null primary key,  -- of the booking that completed it
  person text not null,
  hall_id text not null,
  kind text not null,            -- warning, barred
  no_shows bigint not null,
  cancellations bigint not null,
  at bigint not null,
  until_at bigint not null,      -- 0 of a warning
  state text not null,           -- stands, lifted, void
  ended_at bigint not null default 0
);

create index sanction_by_person on sanction (person);
create index sanction_by_hall on sanction (hall_id, at);

-- What a measure rests on: each thing under one at most.
create table sanction_fact (
  booking text not null primary key,
  sanction text not null
);

create index sanction_fact_of on sanction_fact (sanction);

create table sanction_appeal (
  sanction text not null primary key,
  hall_id text not null,
  at bigint not null,
  sealed bytea not null,         -- what was said
  state text not null,           -- waiting, upheld, refused
  decided_by text not null default '',
  decided_at bigint not null default 0,
  why text not null default ''
);

-- What was recorded before: booking.Fact, numbered by person.
insert into claim (person, name, hall_id, booking, hash)
select x.booker, 'mark:' || (100000 + x.n), x.hall_id, x.id, x.kind || '|' || x.at || '|' || x.start_at from (
  select b.booker, b.hall_id, b.id, e.kind, e.at, row_number() over (partition by b.booker order by e.at, b.id) as n,
    /*+sqlite cast(strftime('%s', b.date) as integer)*/ /*+postgres cast(extract(epoch from cast(b.date as timestamp)) as bigint)*/ * 1000000
      + (b.hour - 8) * 3600000000 as start_at
  from event e join booking b on b.id = e.booking
  where e.kind = 'no_show' and b.state = 'no_show' or e.kind = 'cancelled' and e.actor <> '') x;
