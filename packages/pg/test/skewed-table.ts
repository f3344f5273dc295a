/** Values of `kind` that few rows have: from 1 to this. */
export const RARE_KINDS = 99

/**
 * Of 100 kinds one has all rows but the last 600. The server knows that there are 100 kinds, so of a kind that it does not know
 * yet it expects one row in a hundred, and the first soon in the order of the key. For a rare kind it then reads the table
 * nearly to its end, where a plan for that very kind goes by the index.
 */
export const SKEWED_TABLE = `
  create table events (id int primary key, kind int not null, note text not null);
  insert into events select n, case when n <= 59400 then 0 else 1 + n % 99 end, repeat('x', 40) from generate_series(1, 60000) n;
  create index events_kind on events (kind);
  create table notes (id int primary key, note text not null);
  insert into notes select n, 'note ' || n from generate_series(1, 1000) n;
  analyze events, notes`

export const FIRST_OF_KIND = 'select id from events where kind = $1 order by id limit 1'
