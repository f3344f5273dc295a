import {
  type Options as MikroOptions,
  MikroORM,
  EntitySchema as MikroSchema,
} from '@mikro-orm/postgresql'
import pg from 'pg'
import {
  Between,
  DataSource,
  type DataSourceOptions,
  EntitySchema,
  In,
  IsNull,
  LessThan,
  Like,
  Not,
} from 'typeorm'
import type { PrismaClient } from '../../../prisma/test/generated/client.js'
import type { Random } from './random.js'

/** One library that runs statements on a real server; their texts are recorded as they are sent. */
export interface RecordedLibrary {
  readonly name: string
  /** Runs one statement or a few. */
  run(random: Random): Promise<unknown>
  close(): Promise<unknown>
}

export const RECORDED_TABLES = [
  'create table "User" (id serial primary key, email text not null unique, name text)',
  'create table "Post" (id serial primary key, title text not null, published boolean not null default false, ' +
    '"authorId" int not null references "User")',
  `insert into "User" (email) select 'u' || n from generate_series(1, 20) n`,
  `insert into "Post" (title, "authorId") select 'p' || n, n from generate_series(1, 20) n`,
]

/** Records the text of every statement that node-postgres sends until the returned function is called. */
export function recordTexts(into: Set<string>): () => void {
  const { prototype } = pg.Client
  const { query } = prototype
  prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first] = args
    const text = typeof first === 'string' ? first : (first as { text?: unknown } | undefined)?.text
    if (typeof text === 'string') into.add(text)
    return (query as (...given: unknown[]) => unknown).apply(this, args)
  } as typeof query
  return () => {
    prototype.query = query
  }
}

const ids = (random: Random): number[] => random.list(1, 8, () => random.integer(1, 20))

/** @param options where it connects to, or what manager it is on */
export async function openTypeorm(options: DataSourceOptions): Promise<RecordedLibrary> {
  const User = new EntitySchema<{ id: number; email: string; name: string | null }>({
    name: 'User',
    tableName: 'User',
    columns: {
      id: { type: Number, primary: true, generated: true },
      email: { type: String },
      name: { type: String, nullable: true },
    },
  })
  const Post = new EntitySchema<{
    id: number
    title: string
    published: boolean
    authorId: number
    author: { id: number }
  }>({
    name: 'Post',
    tableName: 'Post',
    columns: {
      id: { type: Number, primary: true, generated: true },
      title: { type: String },
      published: { type: Boolean },
      authorId: { type: Number },
    },
    relations: {
      author: { type: 'many-to-one', target: 'User', joinColumn: { name: 'authorId' } },
    },
  })
  const dataSource = await new DataSource({
    ...options,
    entities: [User, Post],
  }).initialize()
  const posts = dataSource.getRepository(Post)
  const where = (random: Random): object =>
    random.pick([
      { id: random.integer(1, 20) },
      { id: In(ids(random)), published: random.chance(0.5) },
      { title: Like('%p%'), authorId: LessThan(random.integer(1, 20)) },
      { authorId: Between(1, random.integer(2, 9)), title: Not(IsNull()) },
      ids(random).map((id) => ({ id })),
    ])
  return {
    name: 'TypeORM',
    run: (random) =>
      random.pick<() => Promise<unknown>>([
        () =>
          posts.find({
            where: where(random),
            ...(random.chance(0.5) ? { order: { id: 'DESC' } } : {}),
            ...(random.chance(0.5) ? { take: random.integer(1, 9) } : {}),
            ...(random.chance(0.3) ? { relations: { author: true } } : {}),
          }),
        () => posts.count({ where: where(random) }),
        () => posts.update(random.integer(1, 20), { title: `t${random.integer(1, 9)}` }),
        () =>
          posts.insert(
            random.list(1, 5, () => ({
              title: 'n',
              published: true,
              authorId: random.integer(1, 20),
            })),
          ),
        () => posts.delete({ id: In(ids(random).map((id) => id + 10_000)) }),
        () => posts.save({ id: random.integer(1, 20), title: `s${random.integer(1, 9)}` }),
        () =>
          posts
            .createQueryBuilder('p')
            .select(random.some(['p.id', 'p.title', 'p.authorId']))
            .where('p.id in (:...ids)', { ids: ids(random) })
            .groupBy('p.id')
            .getRawMany(),
      ])(),
    close: () => dataSource.destroy(),
  }
}

export async function openPrisma(client: PrismaClient): Promise<RecordedLibrary> {
  return {
    name: 'Prisma',
    run: (random) =>
      random.pick<() => Promise<unknown>>([
        () =>
          client.post.findMany({
            where: random.pick([
              { id: { in: ids(random) } },
              { title: { contains: 'p' }, published: random.chance(0.5) },
              { OR: ids(random).map((id) => ({ id })) },
              { author: { email: { startsWith: 'u' } } },
            ]),
            ...(random.chance(0.5) ? { take: random.integer(1, 9) } : {}),
            ...(random.chance(0.4) ? { include: { author: true } } : {}),
            ...(random.chance(0.4) ? { orderBy: { id: 'desc' } as const } : {}),
          }),
        () =>
          client.user.findUnique({
            where: { id: random.integer(1, 20) },
            include: { posts: true },
          }),
        () =>
          client.post.createMany({ data: random.list(1, 4, () => ({ title: 'c', authorId: 1 })) }),
        () => client.post.update({ where: { id: random.integer(1, 20) }, data: { title: 'u' } }),
        () =>
          client.post.updateMany({ where: { id: { in: ids(random) } }, data: { published: true } }),
        () => client.post.deleteMany({ where: { id: { gt: 1_000_000 } } }),
        () => client.post.groupBy({ by: ['authorId'], _count: true }),
        () => client.$queryRaw`select count(*) from "Post" where id > ${random.integer(1, 9)}`,
      ])(),
    close: () => client.$disconnect(),
  }
}

export async function openMikro(url: string): Promise<RecordedLibrary> {
  const User = new MikroSchema<{ id: number; email: string; name?: string }>({
    name: 'User',
    tableName: 'User',
    properties: {
      id: { type: 'number', primary: true },
      email: { type: 'string' },
      name: { type: 'string', nullable: true },
    },
  })
  const options: MikroOptions = {
    clientUrl: url,
    entities: [User],
    discovery: { warnWhenNoEntities: false },
  }
  const orm = await MikroORM.init(options)
  return {
    name: 'MikroORM',
    run: (random) => {
      const em = orm.em.fork()
      return random.pick<() => Promise<unknown>>([
        () => em.find(User, { id: { $in: ids(random) } }, { limit: random.integer(1, 9) }),
        () => em.find(User, { email: { $like: 'u%' }, name: null }, { orderBy: { id: 'desc' } }),
        () => em.find(User, { $or: ids(random).map((id) => ({ id })) }),
        () => em.count(User, { id: { $gt: random.integer(1, 9) } }),
        () => em.nativeUpdate(User, { id: random.integer(1, 20) }, { name: 'x' }),
        () => em.nativeDelete(User, { id: random.integer(10_000, 20_000) }),
        () =>
          em.insertMany(
            User,
            random.list(1, 4, () => ({
              id: random.integer(10_000, 2_000_000),
              email: `m${random.next()}`,
            })),
          ),
      ])()
    },
    close: () => orm.close(),
  }
}
