-- Cases of bad grades are listed by hall and state. Most evaluations are none: of a year's 3.7 million, one in forty is.
create index evaluation_listed on evaluation (hall_id, state, due) where state <> 'none';
