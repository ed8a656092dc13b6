-- How many short messages a phone was sent lately, counted by all nodes together (docs/adr/0051-approved-words-and-askable-carriers.md).
create table sms_phone (
  phone text not null,                   -- keyed hash
  minute bigint not null,                -- of the clock, since 1970
  in_minute bigint not null,
  hour bigint not null,
  in_hour bigint not null,
  day bigint not null,
  in_day bigint not null,
  primary key (phone)
) /*+sqlite without rowid*/;

create index sms_phone_day on sms_phone (day);
