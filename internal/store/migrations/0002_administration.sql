-- Chapters 2, 3 and 5: who administers what, what they ask for and what becomes of it.

-- One administrator (Art. 7 to 11). Never renamed, shared or opened again.
create table account (
  id text not null primary key,
  rank text not null,
  unit_id text not null,
  district_id text not null default '', -- of the unit, "" for none
  street_id text not null default '',
  state text not null,            -- invited, open, closed
  mobile text not null,           -- keyed hash
  sealed bytea not null,          -- JSON account.Person
  password text not null default '', -- argon2id, "" until the one-time link is used
  totp bytea not null,            -- sealed secret; empty for none
  totp_step bigint not null default 0, -- the last time step used: a code counts once
  failures bigint not null default 0,
  locked_until bigint not null default 0,
  predecessor text not null default '',
  successor text not null default '',
  created_at bigint not null,
  opened_at bigint not null default 0,
  closed_at bigint not null default 0,
  version bigint not null default 1
);

-- One person holds one account at a time (audit together with nothing else).
create unique index account_mobile on account (mobile) where state <> 'closed';
create index account_by_unit on account (unit_id, rank);
create index account_by_district on account (district_id, street_id);

create table passkey (
  id text not null primary key,   -- credential id, base64url
  account text not null,
  detail text not null,           -- JSON of the credential: public key, counter, flags
  name text not null,
  created_at bigint not null,
  used_at bigint not null default 0
);

create index passkey_by_account on passkey (account);

create table admin_session (
  token_hash text not null primary key,
  id text not null unique,
  account text not null,
  created_at bigint not null,
  seen_at bigint not null,
  proved_at bigint not null,      -- when the person last proved who they are
  expires_at bigint not null,
  ended_at bigint not null default 0,
  origin text not null            -- network the sign-in came from, last part left out
);

create index admin_session_by_account on admin_session (account);

-- One-time links: to open an account, or to set its password and second factor anew.
create table invitation (
  token_hash text not null primary key,
  account text not null,
  purpose text not null,          -- open, reset
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint not null default 0
);

create index invitation_by_account on invitation (account);

-- Tokens by which a department's or district's program acts for an account, within scopes.
create table api_token (
  token_hash text not null primary key,
  id text not null unique,
  account text not null,
  name text not null,
  scopes text not null,           -- comma separated
  created_at bigint not null,
  expires_at bigint not null,
  ended_at bigint not null default 0,
  used_at bigint not null default 0
);

create index api_token_by_account on api_token (account);

-- Art. 11: applications to open, hand over or change an account.
create table filing (
  id text not null primary key,
  kind text not null,             -- open, handover, mobile, close
  rank text not null,
  unit_id text not null,
  district_id text not null,
  street_id text not null,
  account text not null default '',  -- handover, mobile, close: which
  sealed bytea not null,          -- JSON account.Person asked for
  mobile text not null,           -- keyed hash
  reason text not null default '',
  filed_by text not null,
  state text not null,            -- waiting, confirmed, refused, withdrawn
  decided_by text not null default '',
  decided_at bigint not null default 0,
  why text not null default '',
  opened text not null default '',   -- the account it led to
  created_at bigint not null,
  version bigint not null default 1
);

create index filing_waiting on filing (state, created_at);
create index filing_by_account on filing (account);

-- Art. 16, 22, 23: an adjustment asked for, or suggested (Art. 8).
create table request (
  id text not null primary key,   -- R, year, serial
  bundle text not null default '',   -- requests filed together for several halls share it
  hall_id text not null,
  queue_id text not null,         -- "" for every queue of the hall
  unit_id text not null,
  district_id text not null,
  street_id text not null,
  level text not null,
  kind text not null,
  origin text not null,           -- request, suggestion
  urgent bigint not null default 0,
  filed_by text not null,
  filed_rank text not null,
  up_to text not null,            -- rank that is to decide now
  state text not null,
  effective_from text not null,   -- local date
  effective_to text not null,     -- local date, "" without end
  late bigint not null default 0, -- filed after the notice of Art. 23
  filed_at bigint not null,
  due_at bigint not null,         -- by when the rank in up_to must decide, or the hall must report
  decided_by text not null default '',
  decided_at bigint not null default 0,
  done_at bigint not null default 0,
  detail text not null,           -- JSON: the change and its reason
  impact text not null,           -- JSON: what it was said to do when it was filed
  version bigint not null default 1
);

create index request_open on request (state, due_at);
create index request_by_hall on request (hall_id, filed_at);
create index request_by_district on request (district_id, filed_at);
create index request_by_account on request (filed_by, filed_at);

create table request_event (
  request text not null,
  seq bigint not null,
  at bigint not null,
  kind text not null,
  account text not null,          -- "" for the system
  text text not null default '',
  primary key (request, seq)
);

-- What approved requests changed: laid over a queue's own plan, in order of seq.
create table adjustment (
  queue_id text not null,
  seq bigint not null,
  hall_id text not null,
  request text not null,
  from_date text not null,
  to_date text not null,          -- "" without end
  detail text not null,           -- JSON of the change
  state text not null,            -- waiting, in_force, over
  primary key (queue_id, seq)
);

create index adjustment_by_request on adjustment (request);

-- Art. 23: breaches, written by the system.
create table ledger (
  id text not null primary key,
  kind text not null,             -- late_request, late_decision, cut_after_booking, share_above
  request text not null,
  account text not null,
  hall_id text not null,
  unit_id text not null,
  district_id text not null,
  street_id text not null,
  level text not null,
  at bigint not null,
  detail text not null,           -- JSON
  state text not null             -- open, appealed, upheld, struck
);

create unique index ledger_once on ledger (request, kind, account);
create index ledger_at on ledger (at);
create index ledger_by_state on ledger (state, at);

-- A booking whose hour was taken away, and what its person chose. A booking may lose an hour more than
-- once; it waits in the last one only.
create table displacement (
  hall_id text not null,          -- of the hour it had
  booking text not null,
  version bigint not null,        -- of the booking when it had lost its hour
  request text not null,
  slot_id text not null,          -- the hour it had
  date text not null,
  hour bigint not null,
  closed bigint not null,         -- 1 the hall closes, 0 there are fewer numbers
  held_hall text not null,
  held_slot text not null,        -- the place kept for it, "" for none
  until bigint not null,          -- before when the person chooses
  state text not null,            -- waiting, kept, moved, cancelled, lapsed, again
  created_at bigint not null,
  chosen_at bigint not null default 0,
  primary key (hall_id, booking, version)
) /*+sqlite without rowid*/;

create index displacement_by_request on displacement (request, booking);
create index displacement_by_booking on displacement (booking);
create index displacement_until on displacement (until) where state = 'waiting';

-- Counters (窗口) of a hall.
create table hall_counter (
  hall_id text not null,
  id text not null,
  label text not null,            -- what the sign above it says
  queues text not null,           -- JSON array of queue ids it serves
  closed bigint not null default 0,
  primary key (hall_id, id)
);

-- What was completed each day: the daily average is taken from it (Art. 15).
create table completed (
  hall_id text not null,
  queue_id text not null,
  date text not null,
  n bigint not null,
  source text not null,           -- tickets, filed, demo
  primary key (hall_id, queue_id, date)
);

-- Every version of every directory entry, with who and when. The revision is the one of the change
-- it came with: nodes look for later ones.
create table directory_version (
  noun text not null,             -- unit, hall, queue, counter, offering, item
  key text not null,
  version bigint not null,        -- of the entry, from 1
  revision bigint not null,       -- of the directory
  hall_id text not null,          -- "" for units and items
  at bigint not null,
  account text not null,          -- "" for an import on the command line
  before text not null,           -- JSON directory.Fields, "" for none
  after text not null,            -- JSON directory.Fields
  primary key (noun, key, version)
);

create index directory_version_by_revision on directory_version (revision);
create index directory_version_by_hall on directory_version (hall_id, at);

-- A file of directory entries between its preview and its being applied; one an account.
create table directory_upload (
  account text not null primary key,
  id text not null,
  at bigint not null,
  name text not null,
  body bytea not null
);

-- The audit log: records in order, the hashes of the tree over them, and signed checkpoints.
create table audit_record (
  n bigint not null primary key,
  at bigint not null,
  account text not null,
  rank text not null,
  act text not null,
  noun text not null,
  key text not null,
  hall_id text not null,
  data text not null              -- the record as it was hashed
);

create index audit_by_account on audit_record (account, n);
create index audit_by_key on audit_record (noun, key, n);
create index audit_by_at on audit_record (at);
create index audit_by_act on audit_record (act, n);
create index audit_by_hall on audit_record (hall_id, n);

create table audit_hash (
  n bigint not null primary key,
  hash text not null              -- base64
);

create table audit_head (
  id bigint not null primary key,
  size bigint not null
);

insert into audit_head (id, size) values (1, 0);

create table audit_checkpoint (
  size bigint not null primary key,
  at bigint not null,
  note text not null              -- signed
);

-- Idempotency keys of what programs of administrators do, and what each was done to.
create table act_key (
  account text not null,
  key text not null,
  hash text not null,             -- of the request
  call text not null,             -- which call claimed it
  noun text not null default '',
  subject text not null default '',
  at bigint not null,
  primary key (account, key)
);
