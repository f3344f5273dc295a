import { hashOf } from '../fingerprint/hash.js'
import type { SequentialScan } from '../snapshot.js'

/** A string or a number, but no placeholder and no part of a name. */
const LITERAL = /'(?:[^']|'')*'|(?<![\w$.])\d+(?:\.\d+)?/g

/** A node of a plan as `EXPLAIN (FORMAT JSON)` writes it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly 'Index Name'?: string
  readonly 'Join Type'?: string
  readonly Strategy?: string
  readonly Filter?: string
  readonly 'Plan Rows'?: number
  readonly 'Total Cost'?: number
  readonly Plans?: readonly PlanNode[]
}

/** What of a plan is the same until the planner changes its mind. */
export interface PlanShape {
  readonly hash: string
  readonly shape: string
  readonly cost: number
  readonly sequentialScans: readonly SequentialScan[]
}

export function planShapeOf(root: PlanNode): PlanShape {
  const shape = written(root)
  const scans: SequentialScan[] = []
  collectScans(root, scans)
  return { hash: hashOf(shape), shape, cost: root['Total Cost'] ?? 0, sequentialScans: scans }
}

function written(node: PlanNode): string {
  const about = [
    node['Node Type'],
    node['Join Type'],
    node.Strategy === 'Plain' ? undefined : node.Strategy,
  ]
    .filter((each) => each !== undefined)
    .join(' ')
  const on = node['Index Name'] ?? node['Relation Name']
  const name = on === undefined ? about : `${about} ${on}`
  const children = (node.Plans ?? []).map(written)
  return children.length === 0 ? name : `${name}(${children.join(', ')})`
}

function collectScans(node: PlanNode, scans: SequentialScan[]): void {
  if (node['Node Type'] === 'Seq Scan' && node['Relation Name'] !== undefined)
    scans.push({
      relation: node['Relation Name'],
      schema: node.Schema,
      // Literals of the text are in the condition as the server prints it.
      filter: node.Filter?.replace(LITERAL, '?'),
      rows: node['Plan Rows'] ?? 0,
    })
  for (const child of node.Plans ?? []) collectScans(child, scans)
}
