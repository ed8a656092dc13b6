-- The address under which somebody's calendar reads their bookings (docs/adr/0047-calendar-feeds.md): one for each person.
create table calendar_feed (
  person text not null primary key,
  token_hash text not null,              -- of the secret in the address
  locale text not null,                  -- language of the entries
  created_at bigint not null,
  read_on text not null                  -- date it was made or read last
) /*+sqlite without rowid*/;

create unique index calendar_feed_token on calendar_feed (token_hash);
create index calendar_feed_read on calendar_feed (read_on);
