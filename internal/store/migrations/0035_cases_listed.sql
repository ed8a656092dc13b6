-- Cases of bad grades are listed by hall and state. Most evaluations are none: of a year's 3.7 million, one in forty is.
create index evaluation_listed on evaluation (hall_id, state, due) where state <> 'none';

-- The order of the list, as its statement says it.
create index evaluation_order on evaluation (
  (case state when 'open' then 0 when 'answered' then 1 else 2 end), (case when state = 'open' then due else '' end), at desc, id
) where state <> 'none';
