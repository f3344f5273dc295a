import { bytes, counted } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { PostgresFacts } from './facts.js'

const MOST_NAMED = 10

/** Indexes that do not help, and foreign keys that lack one. */
export function findInSchema({
  indexFaults = [],
  unindexedForeignKeys = [],
}: PostgresFacts): Finding[] {
  return [
    ...findInvalid(indexFaults.filter(({ fault }) => fault === 'invalid')),
    ...findDuplicates(indexFaults.filter(({ fault }) => fault === 'duplicate')),
    ...findForeignKeys(unindexedForeignKeys),
  ]
}

type Faults = NonNullable<PostgresFacts['indexFaults']>

function findInvalid(faults: Faults): Finding[] {
  const [first] = faults
  if (first === undefined) return []
  return [
    {
      id: 'invalid-index',
      severity: 'warning',
      title: `${counted(faults.length, 'index is', 'indexes are')} invalid: a build has failed, no query uses it, and every write pays for it.`,
      evidence: faults
        .slice(0, MOST_NAMED)
        .map(({ index, table, bytes: size }) => `${index} on ${table}, ${bytes(size)}`),
      fix: `Build it again with reindex index concurrently ${first.index}, or drop it: drop index concurrently ${first.index}.`,
    },
  ]
}

function findDuplicates(faults: Faults): Finding[] {
  const [first] = faults
  if (first === undefined) return []
  return [
    {
      id: 'duplicate-index',
      severity: 'warning',
      title: `${counted(faults.length, 'index has', 'indexes have')} the definition of another: every write pays for both.`,
      evidence: faults
        .slice(0, MOST_NAMED)
        .map(
          ({ index, sameAs, table, bytes: size }) =>
            `${index} on ${table} is the same as ${sameAs}, ${bytes(size)}`,
        ),
      fix: `Drop it: drop index concurrently ${first.index}.`,
    },
  ]
}

function findForeignKeys(keys: NonNullable<PostgresFacts['unindexedForeignKeys']>): Finding[] {
  const [first] = keys
  if (first === undefined) return []
  return [
    {
      id: 'foreign-key-without-index',
      severity: 'warning',
      title: `${counted(keys.length, 'foreign key has', 'foreign keys have')} no index: each delete in the table that it refers to reads this one as a whole, under a lock.`,
      evidence: keys
        .slice(0, MOST_NAMED)
        .map(
          ({ table, constraint, columns, references, rows }) =>
            `${constraint} on ${table} (${columns.join(', ')}) refers to ${references}, ${counted(Math.round(rows), 'row')} by estimate`,
        ),
      fix: `Add one: create index concurrently on ${first.table} (${first.columns.join(', ')}).`,
    },
  ]
}
