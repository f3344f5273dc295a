import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withConnectionManager } from '@connmgr/prisma'
import { startCluster } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'
import { PrismaClient } from '../generated/client.js'

async function main(): Promise<void> {
  const cluster = process.env.DATABASE_URL === undefined ? await startCluster() : undefined
  const prisma = withConnectionManager(PrismaClient, {
    databaseUrl: process.env.DATABASE_URL ?? cluster?.primary.url(),
    poolSize: 5,
    maxOverflow: 5,
    logger: createLogger(),
  })
  try {
    await prisma.$connections.pool.query(readFileSync(join(__dirname, '..', 'schema.sql'), 'utf8'))
    const name = 'Christopher Alexander'
    const books = { create: [{ title: 'A Pattern Language' }] }
    // An upsert, as a database of your own may have him from an earlier run.
    await prisma.author.upsert({ where: { name }, create: { name, books }, update: { books } })
    await prisma.$transaction(async (tx) => {
      const { id } = await tx.author.findUniqueOrThrow({ where: { name } })
      await tx.book.create({ data: { title: 'The Timeless Way of Building', authorId: id } })
    })
    const counts = await prisma.$transaction([prisma.author.count(), prisma.book.count()])
    console.log(
      'authors and books:',
      counts,
      await prisma.book.findMany({ select: { title: true } }),
    )
    console.log('metrics:', prisma.$connections.getPoolMetrics())
    console.log('health:', await prisma.$connections.checkHealth())
  } finally {
    await prisma.$disconnect()
    await cluster?.stop()
  }
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
