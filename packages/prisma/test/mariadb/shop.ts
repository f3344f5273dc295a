import type { MysqlCluster, MysqlLab, MysqlOptions } from '@connmgr/testing'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaClient } from './generated/client.js'

const TABLES = [
  `create table User (
    id integer not null auto_increment primary key,
    email varchar(191) not null,
    name varchar(191),
    unique index User_email_key (email)
  )`,
  `create table Post (
    id integer not null auto_increment primary key,
    title varchar(191) not null,
    published boolean not null default false,
    authorId integer not null,
    constraint Post_authorId_fkey foreign key (authorId) references User (id)
  )`,
  `create table Sample (
    id integer not null auto_increment primary key,
    \`int\` integer,
    \`unsigned\` integer unsigned,
    tiny tinyint,
    big bigint,
    \`float\` double,
    single float,
    \`decimal\` decimal(20, 4),
    flag boolean,
    text varchar(200),
    \`long\` longtext,
    kind enum('small', 'large'),
    at datetime(3),
    stamp timestamp(0) null,
    day date,
    time time(0),
    year year,
    bytes longblob,
    bits bit(8),
    json json
  )`,
]

/** A cluster with the tables of `schema.prisma`. */
export async function startShop(
  start: MysqlLab['start'],
  options?: MysqlOptions,
): Promise<MysqlCluster> {
  const cluster = await start(options)
  for (const each of TABLES) await cluster.primary.query(each)
  for (const each of cluster.replicas) await each.waitForReplay(cluster.primary)
  return cluster
}

/** A client with Prisma's own adapter. */
export function openPlain(cluster: MysqlCluster): PrismaClient {
  const { hostname, port, username, password, pathname } = new URL(cluster.primary.url())
  const adapter = new PrismaMariaDb({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    // The version that Prisma has hangs without this, mariadb-corporation/mariadb-connector-nodejs#331.
    minimumIdle: 1,
    // MySQL sends the key by which it takes the password where there is no TLS.
    allowPublicKeyRetrieval: true,
    connectionLimit: 3,
  })
  return new PrismaClient({ adapter })
}
