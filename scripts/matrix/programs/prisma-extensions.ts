import type { PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { sameType } from './expect.js'
import { PrismaClient } from './generated/client.js'

/** Types alone: what `$extends` gives has the manager too, with the generator `prisma-client`. */
export async function extend(): Promise<void> {
  const prisma = withConnectionManager(PrismaClient)
    .$extends({ client: { answer: (): number => 42 } })
    .$extends({ model: { user: { greet: (name: string): string => name } } })
  sameType<typeof prisma.$connections, PgConnectionManager>()
  const answers = [prisma.answer(), prisma.user.greet('Ada')]
  sameType<typeof answers, (string | number)[]>()
  const found = await prisma.user.findMany({ select: { id: true } })
  sameType<typeof found, { id: number }[]>()
}
