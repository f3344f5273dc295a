import type { Snapshot } from '../catalog/snapshot.js'
import { READS_OR_CHANGES_ROWS, type StatementShape, statementOf } from '../text/shape.js'

/** A long text takes long to look through, and is no short query. */
const LONGEST = 10_000

/**
 * Whether a text is one statement that may run between those of others: one that reads or changes rows, and leaves the
 * session as it was. What its names lead to the catalog tells: a view, a function of a user's, a table with triggers.
 * In doubt, and without a catalog, the answer is no.
 */
export function isShareable(text: string, snapshot: Snapshot | undefined): boolean {
  const statement = shareableShapeOf(text)
  return statement !== undefined && (snapshot?.leavesSession(statement) ?? false)
}

/** The statement of a text that may be shared if the catalog has nothing against it. */
export function shareableShapeOf(text: string): StatementShape | undefined {
  if (text.length > LONGEST) return undefined
  const statement = statementOf(text)
  return statement !== undefined && READS_OR_CHANGES_ROWS.has(statement.head[0] ?? '')
    ? statement
    : undefined
}
