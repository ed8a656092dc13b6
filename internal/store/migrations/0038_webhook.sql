-- Addresses of connected systems to which events are posted (docs/adr/0050-webhooks.md).
create table webhook (
  id text not null primary key,
  source text not null,
  url text not null,
  made_by text not null,            -- account
  made_at bigint not null,
  ended_at bigint not null,         -- 0 = not taken away
  off_at bigint not null,           -- 0 = on
  off_why text not null,
  after_seq bigint not null,        -- events up to this number were delivered or put aside
  upto_seq bigint not null,         -- the last event of the message under way; 0 = there is none
  tries bigint not null,            -- of that message, that failed
  first_at bigint not null,         -- its first try; 0 = none yet
  next_at bigint not null,          -- nothing is sent before
  until_at bigint not null,         -- a node is sending until then
  success_at bigint not null,       -- 0 = never
  failing_at bigint not null,       -- 0 = the last try went well
  failure text not null,
  status bigint not null
);

create index webhook_of on webhook (source, made_at);

-- What messages to an address are signed with: two at a time.
create table webhook_secret (
  id text not null primary key,
  webhook text not null,
  place bigint not null,            -- 1 or 2
  secret bytea not null,            -- sealed
  made_by text not null,
  made_at bigint not null,
  ended_at bigint not null          -- 0 = in force
);

create unique index webhook_secret_place on webhook_secret (webhook, place) where ended_at = 0;

-- Messages that were put aside after their last try. Their events are those of feed_event.
create table webhook_undelivered (
  webhook text not null,
  upto_seq bigint not null,
  after_seq bigint not null,
  events bigint not null,
  tries bigint not null,
  first_at bigint not null,
  aside_at bigint not null,
  failure text not null,
  status bigint not null,
  again_at bigint not null,         -- 0 = nobody asked for it to be sent again
  done_at bigint not null,          -- 0 = not delivered
  primary key (webhook, upto_seq)
);
