import { replayTransaction, withConnectionManager } from '@connmgr/prisma'
import { createConnectionManager, type SqliteLibrary } from '@connmgr/sqlite'
import { patient } from '@connmgr/testing'
import { Files } from '../../sqlite/test/files.js'
import { INSTALLED } from '../../sqlite/test/libraries.js'
import { OtherProcess } from '../../sqlite/test/other-process.js'
import { Gate } from '../test/gate.js'
import type { PrismaClient } from '../test/sqlite/generated/client.js'
import { PrismaClient as Generated } from '../test/sqlite/generated/client.js'
import { createShop, openPlain } from '../test/sqlite/shop.js'

// What prisma/orm#29933 and #30028 report: a COMMIT that meets SQLITE_BUSY leaves the transaction open on the one connection
// that Prisma has, all that is acknowledged from then on is part of it, and is gone with it. Without a WAL a COMMIT waits
// for every reader, so a reader in another connection is enough.

const files = new Files()
afterAll(() => files.remove())

interface Shop {
  readonly filename: string
  readonly prisma: PrismaClient
  /** Holds a lock for reading, in another connection, until it is given back. */
  holdSnapshot(): Promise<() => Promise<void>>
  close(): Promise<void>
}

const DELETE_JOURNAL = { journalMode: 'delete', readers: 0, logger: false } as const

async function openShop(
  library: SqliteLibrary,
  open: (filename: string) => Promise<PrismaClient> | PrismaClient,
): Promise<Shop> {
  const filename = files.path()
  const other = createConnectionManager({ filename, library, ...DELETE_JOURNAL })
  await createShop(other)
  const prisma = await open(filename)
  return {
    filename,
    prisma,
    async holdSnapshot() {
      const lease = await other.acquire()
      await lease.connection.exec('begin; select * from User')
      return async () => {
        await lease.connection.exec('commit')
        lease.release()
      }
    },
    async close() {
      await prisma.$disconnect()
      await other.close()
    },
  }
}

const create = (prisma: PrismaClient, email: string): Promise<unknown> =>
  prisma.$transaction(async (tx) => {
    await tx.user.create({ data: { email } })
  })

/** What is in the file, as another connection sees it. */
async function stored(library: SqliteLibrary, filename: string): Promise<string[]> {
  await using manager = createConnectionManager({ filename, library, ...DELETE_JOURNAL })
  const rows = await manager.use((db) => db.all<{ email: string }>('select email from User'))
  return rows.map(({ email }) => email)
}

describe.each(INSTALLED)(
  'after a COMMIT that another connection has kept from the file, over %s',
  (library) => {
    // So that the lock is met at once, and not after a wait that blocks the whole process.
    const impatient = async (filename: string): Promise<PrismaClient> => {
      const client = openPlain(library, filename)
      await client.$queryRawUnsafe('pragma busy_timeout = 0')
      return client
    }

    test("Prisma's own adapter loses what it has acknowledged, or refuses all that follows", async () => {
      const { prisma, filename, holdSnapshot, close } = await openShop(library, impatient)
      const giveBack = await holdSnapshot()
      await create(prisma, 'first@example.org').catch(() => {})
      await giveBack()
      const acknowledged: string[] = []
      for (const email of ['second@example.org', 'third@example.org'])
        await prisma.user.create({ data: { email } }).then(
          () => acknowledged.push(email),
          () => {},
        )
      await close()
      // If all was refused, the file may be locked until this process ends.
      const kept = acknowledged.length === 0 ? [] : await stored(library, filename)
      const lost = acknowledged.filter((email) => !kept.includes(email))
      const refused = 2 - acknowledged.length
      expect(lost.length + refused).toBe(2)
    })

    test('a managed client waits for the other connection, and commits', async () => {
      const { prisma, filename, holdSnapshot, close } = await openShop(library, (path) =>
        withConnectionManager(Generated, { filename: path, library, ...DELETE_JOURNAL }),
      )
      const giveBack = await holdSnapshot()
      const written = new Gate()
      const transaction = prisma.$transaction(
        async (tx) => {
          await tx.user.create({ data: { email: 'first@example.org' } })
          written.open()
        },
        { timeout: patient(30_000) },
      )
      await written.passed
      await giveBack()
      await transaction
      await create(prisma, 'second@example.org')
      await close()
      expect(await stored(library, filename)).toEqual(['first@example.org', 'second@example.org'])
    })

    test('a managed client that waits in vain says so, has undone it, and goes on', async () => {
      const { prisma, filename, holdSnapshot, close } = await openShop(library, (path) =>
        withConnectionManager(Generated, {
          filename: path,
          library,
          ...DELETE_JOURNAL,
          busyTimeoutMs: 50,
        }),
      )
      const giveBack = await holdSnapshot()
      await expect(create(prisma, 'first@example.org')).rejects.toMatchObject({
        message: expect.stringMatching(/COMMIT has waited .* held in this process by/),
        cause: { kind: 'SocketTimeout', originalCode: 'SQLITE_BUSY' },
      })
      await giveBack()
      await prisma.user.create({ data: { email: 'second@example.org' } })
      await create(prisma, 'third@example.org')
      await close()
      expect(await stored(library, filename)).toEqual(['second@example.org', 'third@example.org'])
    })

    test('replayTransaction runs a transaction again whose COMMIT has failed', async () => {
      const filename = files.path()
      const other = createConnectionManager({ filename, library, ...DELETE_JOURNAL })
      await createShop(other)
      const prisma = withConnectionManager(Generated, {
        filename,
        library,
        ...DELETE_JOURNAL,
        busyTimeoutMs: 20,
      })
      const lease = await other.acquire()
      await lease.connection.exec('begin; select * from User')
      let last = 0
      const giveBack = async (): Promise<void> => {
        await lease.connection.exec('commit')
        lease.release()
      }
      await replayTransaction(prisma, async (tx, attempt) => {
        last = attempt
        await tx.user.create({ data: { email: `${attempt}@example.org` } })
        if (attempt === 2) await giveBack()
      })
      expect(last).toBe(2)
      expect(prisma.$connections.getReplayStats()).toMatchObject({ replays: 1, recovered: 1 })
      await prisma.$disconnect()
      await other.close()
      expect(await stored(library, filename)).toEqual(['2@example.org'])
    })

    test('50 callers beside another process that holds the lock: nothing is refused or lost', async () => {
      const filename = files.path()
      const manager = createConnectionManager({ filename, library, logger: false })
      await createShop(manager)
      await manager.use((db) =>
        db.exec('create table ledger (id integer primary key, caller, amount)'),
      )
      const prisma = withConnectionManager(Generated, manager)
      const other = new OtherProcess(library, filename)
      await other.lock()
      const options = { maxWait: patient(30_000), timeout: patient(30_000) }
      const writing = Promise.all(
        Array.from({ length: 50 }, (_, number) => {
          const data = { email: `${number}@example.org` }
          return number % 2 === 0
            ? prisma.user.create({ data })
            : prisma.$transaction(async (tx) => {
                await tx.user.create({ data })
                await tx.post.create({
                  data: { title: 'a', author: { connect: { email: data.email } } },
                })
              }, options)
        }),
      )
      // Reads go on meanwhile.
      expect(await prisma.user.count()).toBe(0)
      await other.release()
      await writing
      expect(await prisma.user.count()).toBe(50)
      expect(await prisma.post.count()).toBe(25)
      await other.stop()
      await prisma.$disconnect()
      await manager.close()
    })
  },
)
