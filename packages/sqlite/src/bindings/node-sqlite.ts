import { tokensOf } from '../text/lexer.js'
import type {
  Binding,
  BoundDatabase,
  BoundRows,
  BoundStatement,
  OpenMode,
  RowFormat,
  RunResult,
  SqliteColumn,
  SqliteParameters,
} from './binding.js'
import { bindable } from './parameters.js'

/** What is used of a statement of node:sqlite; the types of Node 20 do not have it. */
interface NodeStatement {
  run(...parameters: readonly unknown[]): RunResult
  all(...parameters: readonly unknown[]): unknown[]
  get(...parameters: readonly unknown[]): unknown
  iterate(...parameters: readonly unknown[]): Iterator<unknown>
  columns(): readonly SqliteColumn[]
  setReadBigInts(on: boolean): void
  setReturnArrays?(on: boolean): void
}

interface NodeDatabase {
  readonly isTransaction?: boolean
  prepare(sql: string): NodeStatement
  exec(sql: string): void
  close(): void
}

/** The module `node:sqlite`, as far as it is used. */
export interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: { readOnly: boolean }) => NodeDatabase
}

/** node:sqlite. Its busy timeout is 0 unless one is asked for. */
export function nodeSqlite({ DatabaseSync }: NodeSqlite): Binding {
  return {
    library: 'node:sqlite',
    open: (path: string, { readOnly }: OpenMode) =>
      new NodeBoundDatabase(new DatabaseSync(path, { readOnly })),
  }
}

class NodeBoundDatabase implements BoundDatabase {
  readonly native: NodeDatabase

  constructor(native: NodeDatabase) {
    this.native = native
  }

  get inTransaction(): boolean {
    return this.native.isTransaction === true
  }

  prepare(sql: string, { arrays = false, bigints = false }: RowFormat): BoundStatement {
    const statement = this.native.prepare(sql)
    if (bigints) statement.setReadBigInts(true)
    if (arrays) statement.setReturnArrays?.(true)
    return new NodeBoundStatement(statement, changesRows(sql))
  }

  exec(sql: string): void {
    this.native.exec(sql)
  }

  close(): void {
    this.native.close()
  }
}

class NodeBoundStatement implements BoundStatement {
  readonly returnsRows: boolean
  readonly #statement: NodeStatement
  readonly #changesRows: boolean

  constructor(statement: NodeStatement, changesRows: boolean) {
    this.#statement = statement
    this.#changesRows = changesRows
    this.returnsRows = statement.columns().length > 0
  }

  columns(): readonly SqliteColumn[] {
    return this.#statement.columns()
  }

  run(parameters: SqliteParameters): RunResult {
    const { changes, lastInsertRowid } = this.#statement.run(...spread(parameters))
    // Of any other statement it tells the changes of the one before.
    return { changes: this.#changesRows ? Number(changes) : 0, lastInsertRowid }
  }

  all(parameters: SqliteParameters): unknown[] {
    return this.#statement.all(...spread(parameters))
  }

  get(parameters: SqliteParameters): unknown {
    return this.#statement.get(...spread(parameters))
  }

  iterate(parameters: SqliteParameters): BoundRows {
    const rows = this.#statement.iterate(...spread(parameters))
    return { next: () => rows.next(), return: () => void rows.return?.() }
  }
}

const CHANGE_ROWS: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'replace', 'with'])

function changesRows(sql: string): boolean {
  const [first] = tokensOf(sql)
  return first !== undefined && CHANGE_ROWS.has(first.text.toLowerCase())
}

function spread(parameters: SqliteParameters): readonly unknown[] {
  const values = bindable(parameters)
  return Array.isArray(values) ? values : [values]
}
