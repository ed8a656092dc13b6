-- What short messages cost, and which carriers are asked what became of one (docs/adr/0051-approved-words-and-askable-carriers.md).

alter table sms_part add column parts bigint not null default 1;     -- so many are charged
alter table sms_part add column price bigint not null default 0;     -- of one of them, in thousandths of a fen, when it was sent
alter table sms_part add column counted bigint not null default 0;   -- 1 = it stands in sms_cost
alter table sms_part add column ask_at bigint not null default 0;    -- when its carrier is asked; 0 = never (again)
alter table sms_part add column asked bigint not null default 0;     -- how often it was

create index sms_part_ask on sms_part (ask_at) where ask_at > 0;

-- What a hall's messages cost in a month. Those that are about no hall, or to an administrator, have none.
create table sms_cost (
  hall_id text not null,
  month text not null,                   -- 2026-11
  kind text not null,
  gateway text not null,
  parts bigint not null,
  cost bigint not null,                  -- thousandths of a fen
  primary key (hall_id, month, kind, gateway)
) /*+sqlite without rowid*/;

create index sms_cost_month on sms_cost (month, hall_id);
