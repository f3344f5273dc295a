create table if not exists author (id serial primary key, name text not null unique);
create table if not exists book (id serial primary key, title text not null, author_id integer not null references author (id));
