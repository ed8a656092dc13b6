-- Events and records of connected systems are kept for a while (docs/adr/0050-webhooks.md).
alter table feed_out add column forgotten_seq bigint not null default 0; -- events up to this number are kept no more
alter table feed_out add column forgotten_at bigint not null default 0;  -- those before this instant get no number any more
