create table "User" (
  id serial primary key,
  email text not null unique,
  name text
);

create table "Post" (
  id serial primary key,
  title text not null,
  published boolean not null default false,
  "authorId" integer not null references "User" (id)
);
