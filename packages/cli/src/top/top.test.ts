import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run } from '@connmgr/cli'
import { type Inspection, serveInspection } from '@connmgr/cli/server'
import { ConnectionManager } from '@connmgr/core'
import { eventually, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how such a sequence begins
const SEQUENCES = /\u001b\[[\d;?]*[A-Za-z]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how such a sequence begins
const COLOURS = /\u001b\[\d+m/

let folder: string
let socket: string
let manager: ConnectionManager<FakeConnection>
const inspections: Inspection[] = []

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'cli-top-'))
  socket = path.join(folder, 'app.sock')
  manager = new ConnectionManager({
    driver: new FakeDriver(),
    endpoints: [fakeEndpoint('one')],
    options: { name: 'shop', poolSize: 20, maxOverflow: 0, logger: false },
  })
  await serve()
})
afterEach(async () => {
  await Promise.all(inspections.splice(0).map((each) => each.close()))
  await manager.close({ drainTimeoutMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

async function serve(): Promise<void> {
  inspections.push(await serveInspection(manager, { path: socket }))
}

/** A terminal that keeps what is written to it. */
class FakeTerminal extends EventEmitter {
  readonly isTTY = true
  readonly writes: string[] = []
  columns: number
  rows: number

  constructor(columns: number, rows: number) {
    super()
    this.columns = columns
    this.rows = rows
  }

  write(text: string): void {
    this.writes.push(text)
  }

  resize(columns: number, rows: number): void {
    this.columns = columns
    this.rows = rows
    this.emit('resize')
  }

  /** The lines of the latest picture. */
  get lines(): string[] {
    return (this.writes.at(-1) ?? '').replace(SEQUENCES, '').trimEnd().split('\n')
  }
}

/** `top` on a terminal, until `end` is called. */
function watch(terminal: FakeTerminal, env = {}, more: string[] = []) {
  const abort = new AbortController()
  const errors: string[] = []
  const stderr = { write: (text: string) => errors.push(text) }
  const code = run(['top', '--socket', socket, '--interval', '100', ...more], {
    stdout: terminal,
    stderr,
    env,
    signal: abort.signal,
  })
  return {
    errors,
    end: () => {
      abort.abort(new Error('ended by SIGINT'))
      return code
    },
  }
}

test('redraws in place what has changed, and gives the terminal back as it was', async () => {
  const terminal = new FakeTerminal(120, 40)
  const top = watch(terminal)
  await eventually(() => terminal.lines.join().includes('in use 0'))
  const lease = await manager.acquire({ label: 'checkout' })
  await eventually(() => terminal.lines.join().includes('checkout'))
  lease.release()
  await eventually(() => !terminal.lines.join().includes('checkout'))
  expect(terminal.lines.join()).toContain('1 acquire,')
  expect(await top.end()).toBe(0)
  const [first = ''] = terminal.writes
  expect(first.startsWith(`${ENTER}\u001b[H`)).toBe(true)
  expect(terminal.writes.slice(1, -1).every((each) => each.startsWith('\u001b[H'))).toBe(true)
  expect(terminal.writes.at(-1)).toBe(LEAVE)
  expect(terminal.writes.join('').split(ENTER)).toHaveLength(2)
  expect(terminal.listenerCount('resize')).toBe(0)
})

test.each([
  [120, 40],
  [40, 10],
  [10, 3],
  [1, 2],
])('draws nothing beyond %d columns and %d rows', async (columns, rows) => {
  const leases = await Promise.all(
    Array.from({ length: 20 }, () => manager.acquire({ label: 'a label that is rather long' })),
  )
  const terminal = new FakeTerminal(columns, rows)
  const top = watch(terminal)
  await eventually(() => terminal.writes.length > 2)
  const { lines } = terminal
  expect(await top.end()).toBe(0)
  expect(lines.length).toBeLessThan(rows)
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns)
  for (const each of leases) each.release()
})

test('follows a terminal that is resized at once, without another look', async () => {
  const terminal = new FakeTerminal(120, 40)
  const top = watch(terminal, {}, ['--interval', '600000'])
  await eventually(() => terminal.writes.length === 1)
  expect(terminal.lines[0]?.length).toBeGreaterThan(30)
  terminal.resize(20, 4)
  expect(terminal.writes).toHaveLength(2)
  expect(terminal.lines).toHaveLength(3)
  expect(Math.max(...terminal.lines.map(({ length }) => length))).toBeLessThanOrEqual(20)
  expect(await top.end()).toBe(0)
})

test('colours a terminal, and not with NO_COLOR, --no-color or a dumb one', async () => {
  const pictureOf = async (env: object, more: string[] = []): Promise<string> => {
    const terminal = new FakeTerminal(120, 40)
    const top = watch(terminal, env, more)
    await eventually(() => terminal.writes.length > 0)
    await top.end()
    return terminal.writes.join('')
  }
  expect(await pictureOf({})).toMatch(COLOURS)
  expect(await pictureOf({ NO_COLOR: '1' })).not.toMatch(COLOURS)
  expect(await pictureOf({ TERM: 'dumb' })).not.toMatch(COLOURS)
  expect(await pictureOf({}, ['--no-color'])).not.toMatch(COLOURS)
})

test('waits for a process that is gone, says so above its latest state, and goes on when it is back', async () => {
  const terminal = new FakeTerminal(120, 40)
  const top = watch(terminal)
  await eventually(() => terminal.lines.join().includes('shop'))
  await inspections.pop()?.close()
  await eventually(() => terminal.lines[0]?.startsWith('OLD, trying again: ') === true)
  expect(terminal.lines.join()).toContain('shop')
  await serve()
  await eventually(() => terminal.lines[0]?.startsWith('OLD') === false)
  expect(await top.end()).toBe(0)
  expect(top.errors).toEqual([])
})

test('a process that is not there at the first look is exit code 3, and the terminal is left alone', async () => {
  await inspections.pop()?.close()
  const terminal = new FakeTerminal(80, 24)
  const errors: string[] = []
  const code = await run(['top', '--socket', socket], {
    stdout: terminal,
    stderr: { write: (text: string) => errors.push(text) },
    env: {},
    signal: new AbortController().signal,
  })
  expect([code, terminal.writes]).toEqual([3, []])
  expect(errors.join('')).toContain('there is no such socket')
})

describe('elsewhere than on a terminal', () => {
  function intoPipe(...more: string[]) {
    const abort = new AbortController()
    let written = ''
    const code = run(['top', '--socket', socket, '--interval', '100', ...more], {
      stdout: {
        write: (text: string) => {
          written += text
          return true
        },
      },
      stderr: { write: () => {} },
      env: {},
      signal: abort.signal,
    })
    return { abort, code, written: () => written }
  }

  test('one look is printed, as plain text', async () => {
    const top = intoPipe()
    expect(await top.code).toBe(0)
    expect(top.written().split('pid ')).toHaveLength(2)
    expect(top.written()).not.toContain('\u001b')
  })

  test('--json prints a line for each look, until it is ended or the process is gone', async () => {
    const top = intoPipe('--json')
    await eventually(() => top.written().split('\n').length > 3)
    for (const line of top.written().trimEnd().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ schemaVersion: 1, managers: [{ name: 'shop' }] })
    top.abort.abort(new Error('ended by SIGINT'))
    expect(await top.code).toBe(0)
    const other = intoPipe('--json')
    await eventually(() => other.written().includes('\n'))
    await inspections.pop()?.close()
    expect(await other.code).toBe(3)
  })
})
