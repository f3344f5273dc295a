import { withReplayedAnswers } from '../replayed-answers.js'
import { compareCases } from '../steady.js'
import type { Cases } from '../subjects.js'
import type { Suite } from '../suite.js'
import { baseOf, cases as queries, withItems } from './query.js'

/** Prisma asks for several rows at once, as many as callers happen to want, so that no answer suits the next query. */
const { prisma: _, ...replayable } = queries

/** @public as processes of contenders import it by the name of this file */
export const cases: Cases = Object.fromEntries(
  Object.entries(replayable).map(([name, openers]) => [
    name,
    Object.fromEntries(
      Object.entries(openers)
        // It has sockets of another kind.
        .filter(([contender]) => contender !== 'postgres.js')
        .map(([contender, open]) => [contender, withReplayedAnswers(open)]),
    ),
  ]),
)

export const processSuite: Suite = {
  name: 'process',
  about: 'what the process of an application computes for one row by its key: answers are replayed',
  peers: ['pg.Pool', 'typeorm', 'drizzle'],
  ifNamed: true,
  run: (settings) =>
    withItems((url) =>
      // The server has nothing to do.
      compareCases(__filename, cases, { url }, settings, { baseOf, callers: [10] }),
    ),
}
