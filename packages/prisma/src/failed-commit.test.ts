import { withConnectionManager } from '@connmgr/prisma'
import { createConnectionManager, type SqliteLibrary } from '@connmgr/sqlite'
import { patient } from '@connmgr/testing'
import { Files } from '../../sqlite/test/files.js'
import { INSTALLED } from '../../sqlite/test/libraries.js'
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
  },
)
