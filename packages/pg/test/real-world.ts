import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import fc from 'fast-check'
import type { World } from './history.js'
import { STATEMENTS, type StatementClass } from './statements.js'

const NAME = 'outcomes'

/** Where a real server understands something else than the scripted one. @param row what they write */
const TEXTS: Partial<Record<StatementClass, (row: number) => string>> = {
  conflicting: (row) => `insert into ledger values (conflict(${row}))`,
  call: (row) => `call p(${row}, false)`,
  'call in conflict': (row) => `call p(${row}, true)`,
  do: (row) => `do $$ begin insert into ledger values (${row}); end $$`,
  'do in conflict': (row) =>
    `do $$ begin insert into ledger values (${row}); commit; perform conflict(${row}); end $$`,
  'several, one fails': (row) => `insert into ledger values (${row}); select 1 / 0`,
  'several with a commit, then a conflict': (row) =>
    `insert into ledger values (${row}); commit; select conflict(${row})`,
}

const SCHEMA = `
  create table ledger (id int);
  create sequence attempts;
  -- Every other attempt fails.
  create function conflict(id int) returns int language plpgsql as $$
    begin
      if nextval('attempts') % 2 = 0 then raise exception 'conflict' using errcode = '40001'; end if;
      return id;
    end $$;
  create function bump(id int) returns int language plpgsql as $$
    begin
      insert into ledger values (id);
      perform pg_sleep(random() * 0.1);
      return id;
    end $$;
  create procedure p(id int, fails bool) language plpgsql as $$
    begin
      insert into ledger values (id);
      commit;
      perform pg_sleep(random() * 0.02);
      if fails then perform conflict(id); end if;
    end $$;
  create function dawdle() returns trigger language plpgsql as $$
    begin perform pg_sleep(random() * 0.02); return null; end $$;
  create constraint trigger dawdle after insert on ledger deferrable initially deferred
    for each row when (new.id % 3 = 0) execute function dawdle()`

/** Something that happens to the sessions of a history on a real server. */
export interface RealEnd {
  readonly afterMs: number
  readonly kind: 'terminate' | 'cancel' | 'reset' | 'kill'
}

export const realEnd: fc.Arbitrary<RealEnd> = fc.record({
  afterMs: fc.nat({ max: 120 }),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant<RealEnd['kind']>('terminate') },
    { weight: 3, arbitrary: fc.constantFrom<RealEnd['kind']>('cancel', 'reset') },
    // The whole server recovers after it.
    { weight: 1, arbitrary: fc.constant<RealEnd['kind']>('kill') },
  ),
})

/** A real server, whose sessions end at random, and whose answers are cut off at any byte. */
export class RealServer {
  readonly #cluster: PostgresCluster
  readonly #links = new Set<Socket>()
  readonly #port: number
  readonly #close: () => Promise<void>
  /** Bytes of the server that still pass. */
  #passing = Number.POSITIVE_INFINITY

  private constructor(cluster: PostgresCluster, port: number, close: () => Promise<void>) {
    this.#cluster = cluster
    this.#port = port
    this.#close = close
  }

  static async start(): Promise<RealServer> {
    const cluster = await startCluster()
    await cluster.primary.query(SCHEMA)
    const listener = createServer((client) => server.#link(client))
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const close = () => new Promise<void>((resolve) => listener.close(() => resolve()))
    const server = new RealServer(cluster, (listener.address() as AddressInfo).port, close)
    return server
  }

  /** @param cutAfter bytes of all answers after which those under way are cut off, once */
  async begin(ends: readonly RealEnd[], cutAfter: number | undefined): Promise<World> {
    const { primary } = this.#cluster
    await this.#answers('truncate ledger')
    this.#passing = cutAfter ?? Number.POSITIVE_INFINITY
    const happening = ends.map((end) => this.#happen(end))
    return {
      config: {
        connectionString: primary.url().replace(`:${primary.port}`, `:${this.#port}`),
        application_name: NAME,
      },
      timeoutMs: 40,
      textOf: (is, row) => (TEXTS[is] ?? STATEMENTS[is])(row),
      written: async () => {
        await Promise.all(happening)
        this.#cutAll()
        // Whose client has given up may be at work still.
        await eventually(
          async () =>
            (
              await this.#answers(
                `select 1 from pg_stat_activity where application_name = '${NAME}'`,
              )
            ).length === 0,
        )
        const rows = await this.#answers('select id, count(*)::int as n from ledger group by id')
        return new Map(rows.map(({ id, n }) => [id as number, n as number]))
      },
    }
  }

  async stop(): Promise<void> {
    this.#cutAll()
    await this.#close()
    await this.#cluster.stop()
  }

  async #happen({ afterMs, kind }: RealEnd): Promise<void> {
    await pause(afterMs)
    if (kind === 'reset') {
      for (const link of this.#links) link.resetAndDestroy()
      return
    }
    const found = await this.#answers(
      `select pid from pg_stat_activity where application_name = '${NAME}' order by random() limit 1`,
    )
    const pid = found[0]?.pid as number | undefined
    if (pid === undefined) return
    if (kind !== 'kill') await this.#answers(`select pg_${kind}_backend(${pid})`)
    else {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        // It has ended by itself in between.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }

  /** Asks the server, as soon as it is there. */
  async #answers(text: string): Promise<Record<string, unknown>[]> {
    let rows: Record<string, unknown>[] = []
    await eventually(() =>
      this.#cluster.primary.query<Record<string, unknown>>(text).then(
        (found) => {
          rows = found
          return true
        },
        () => false,
      ),
    )
    return rows
  }

  #link(client: Socket): void {
    const upstream = connect(this.#cluster.primary.port, '127.0.0.1')
    this.#links.add(client)
    client.on('close', () => {
      this.#links.delete(client)
      upstream.destroy()
    })
    upstream.on('close', () => client.end())
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk: Buffer) => {
      const passes = Math.max(0, Math.min(chunk.length, this.#passing))
      this.#passing -= chunk.length
      client.write(chunk.subarray(0, passes))
      if (passes === chunk.length) return
      this.#passing = Number.POSITIVE_INFINITY
      client.end(() => upstream.destroy())
    })
  }

  #cutAll(): void {
    for (const link of this.#links) link.destroy()
  }
}
