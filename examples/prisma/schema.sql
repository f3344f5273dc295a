create table author (id serial primary key, name text not null unique);
create table book (id serial primary key, title text not null, author_id integer not null references author (id));
