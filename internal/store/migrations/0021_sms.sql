-- What carriers of short messages were given, and what they say became of it (docs/adr/0039-each-message-once.md).

-- When it was given to a carrier whose answer is not known yet; 0 for none. The carrier may have it.
alter table message add column handed_at bigint not null default 0;

create index message_handed on message (handed_at) where handed_at > 0;

-- One part of a message that a carrier has accepted, or has reported of before its answer was seen.
create table sms_part (
  gateway text not null,
  id text not null,                      -- the carrier's
  tag text not null,                     -- digits its report came back with
  booking text not null default '',      -- the message, "" for not known yet
  version bigint not null default 0,
  kind text not null default '',
  hall_id text not null default '',      -- who it is charged to
  state text not null,                   -- accepted, arrived, lost
  word text not null default '',         -- what the carrier said
  at bigint not null,                    -- when it was accepted, or reported of
  date text not null,                    -- of that instant
  primary key (gateway, id)
) /*+sqlite without rowid*/;

create index sms_part_message on sms_part (booking, version, kind);
create index sms_part_tag on sms_part (gateway, tag) where tag <> '';
create index sms_part_date on sms_part (date, hall_id);
