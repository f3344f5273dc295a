import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Inspection, type InspectionOptions, serveInspection } from '@connmgr/cli/server'
import { ConnectionManager } from '@connmgr/core'
import { type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { runCommand } from '../../test/run-command.js'
import type { ProcessSnapshot } from '../snapshot/snapshot.js'

const TOKEN = 'a-token-that-is-long-enough'

let folder: string
let manager: ConnectionManager<FakeConnection>
const inspections: Inspection[] = []

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cli-'))
  manager = new ConnectionManager({
    driver: new FakeDriver(),
    endpoints: [fakeEndpoint('one')],
    options: { name: 'shop', poolSize: 2, maxOverflow: 0, logger: false },
  })
})
afterEach(async () => {
  await Promise.all(inspections.splice(0).map((each) => each.close()))
  await manager.close({ drainTimeoutMs: 0 })
  rmSync(folder, { recursive: true, force: true })
})

async function serve(options: InspectionOptions): Promise<Inspection> {
  const inspection = await serveInspection(manager, options)
  inspections.push(inspection)
  return inspection
}

const socket = (): string => path.join(folder, 'app.sock')

describe('a socket', () => {
  test('belongs to this user alone, and leaves nothing else behind', async () => {
    await serve({ path: socket() })
    const { mode } = statSync(socket())
    expect(mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['app.sock'])
    await inspections[0]?.close()
    expect(readdirSync(folder)).toEqual([])
  })

  test('shows pools, holders with their lines of code, and the queue, to report and top', async () => {
    await serve({ path: socket() })
    const first = await manager.acquire({ label: 'checkout' })
    const second = await manager.acquire()
    const waiting = manager.acquire()
    const report = await runCommand(['report', '--json', '--socket', socket()])
    expect(report.code).toBe(0)
    const snapshot = JSON.parse(report.stdout) as ProcessSnapshot
    expect(snapshot).toMatchObject({
      schemaVersion: 1,
      process: { pid: process.pid },
      managers: [
        {
          name: 'shop',
          pool: { checkedOut: 2, waiting: 1, limit: 2, utilization: 1 },
          holders: expect.arrayContaining([
            expect.objectContaining({
              label: 'checkout',
              checkedOutBy: expect.stringContaining('serve-inspection.test.ts'),
            }),
          ]),
          insights: null,
        },
      ],
    })
    const top = await runCommand(['top', '--once', '--socket', socket()])
    expect(top.code).toBe(0)
    expect(top.stdout).toContain('in use 2, idle 0')
    expect(top.stdout).toContain('queue 1')
    expect(top.stdout).toContain('checkout')
    const html = await runCommand(['report', '--format', 'html', '--socket', socket()])
    expect(html.stdout).toMatch(/^<!doctype html>/)
    expect(html.stdout).not.toContain('<script')
    first.release()
    second.release()
    ;(await waiting).release()
  })

  test('without managers shows all of the process, as they come and go', async () => {
    inspections.push(await serveInspection(undefined, { path: socket() }))
    const names = async (): Promise<string[]> => {
      const { stdout } = await runCommand(['report', '--json', '--socket', socket()])
      return (JSON.parse(stdout) as ProcessSnapshot).managers.map(({ name }) => name)
    }
    expect(await names()).toEqual(['shop'])
    const late = new ConnectionManager({
      driver: new FakeDriver(),
      endpoints: [fakeEndpoint('two')],
      options: { name: 'late', logger: false },
    })
    expect(await names()).toEqual(['shop', 'late'])
    await late.close()
    expect(await names()).toEqual(['shop'])
  })

  test('takes the place of one that a dead process has left, and of nothing else', async () => {
    await leaveDeadSocket(socket())
    await serve({ path: socket() })
    await expect(serveInspection(manager, { path: socket() })).rejects.toThrow(
      /another process listens on/,
    )
    expect((await runCommand(['report', '--socket', socket()])).code).toBe(0)
    const file = path.join(folder, 'file')
    writeFileSync(file, 'precious')
    await expect(serveInspection(manager, { path: file })).rejects.toThrow(/no socket/)
    await expect(
      serveInspection(manager, { path: path.join(folder, 'x'.repeat(120)) }),
    ).rejects.toThrow(/bytes/)
  })

  test('that another has replaced is not removed', async () => {
    const inspection = await serve({ path: socket() })
    rmSync(socket())
    const other = createSocketServer()
    await new Promise<void>((resolve) => other.listen(socket(), resolve))
    await inspection.close()
    expect(statSync(socket()).isSocket()).toBe(true)
    await new Promise((resolve) => other.close(resolve))
  })

  test('that nothing serves is exit code 3, with the reason', async () => {
    const none = await runCommand(['top', '--once', '--socket', socket()])
    expect(none).toMatchObject({ code: 3, stdout: '' })
    expect(none.stderr).toContain('there is no such socket')
    await leaveDeadSocket(socket())
    const dead = await runCommand(['report', '--socket', socket()])
    expect(dead.code).toBe(3)
    expect(dead.stderr).toContain('the process has ended')
  })

  test('is found by the process id, or alone, where no path was named', async () => {
    const { XDG_RUNTIME_DIR: before } = process.env
    process.env.XDG_RUNTIME_DIR = folder
    const env = { XDG_RUNTIME_DIR: folder }
    try {
      expect((await runCommand(['report'], env)).code).toBe(3)
      const inspection = await serve({})
      expect(path.basename(inspection.path as string)).toBe(`${process.pid}.sock`)
      expect(statSync(path.dirname(inspection.path as string)).mode & 0o777).toBe(0o700)
      expect((await runCommand(['report'], env)).stdout).toContain('shop')
      expect((await runCommand(['report', '--pid', `${process.pid}`], env)).code).toBe(0)
      const second = path.join(path.dirname(inspection.path as string), '1.sock')
      await serve({ path: second })
      const several = await runCommand(['report'], env)
      expect(several.code).toBe(2)
      expect(several.stderr).toContain(`${process.pid}`)
    } finally {
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR
      else process.env.XDG_RUNTIME_DIR = before
    }
  })
})

test('a folder that others may reach into gets no socket, and is not looked into', async () => {
  const { XDG_RUNTIME_DIR: before } = process.env
  process.env.XDG_RUNTIME_DIR = folder
  const open = path.join(folder, `connmgr-${process.getuid?.()}`)
  mkdirSync(open)
  chmodSync(open, 0o755)
  try {
    await expect(serveInspection(manager)).rejects.toThrow(/not a folder of this user alone/)
    await serve({ path: path.join(open, '1.sock') })
    expect((await runCommand(['report'], { XDG_RUNTIME_DIR: folder })).code).toBe(3)
  } finally {
    if (before === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = before
  }
})

test('texts of the application are no markup of the page', async () => {
  await serve({ path: socket() })
  const lease = await manager.acquire({ label: '<script>alert("x")</script>' })
  const { stdout } = await runCommand(['report', '--format', 'html', '--socket', socket()])
  lease.release()
  expect(stdout).toContain('&lt;script&gt;')
  expect(stdout).not.toContain('<script')
})

describe('a port', () => {
  test('answers those alone who bear the token', async () => {
    const { path: none, url } = await serve({ port: 0, token: TOKEN })
    expect(none).toBeUndefined()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const at = ['report', '--json', '--url', url as string]
    expect((await runCommand([...at, '--token', TOKEN])).code).toBe(0)
    expect((await runCommand(at, { CONNMGR_TOKEN: TOKEN })).code).toBe(0)
    for (const wrong of ['another-token-of-some-length', `${TOKEN}x`, TOKEN.slice(0, -1)]) {
      const refused = await runCommand([...at, '--token', wrong])
      expect(refused).toMatchObject({ code: 3, stdout: '' })
      expect(refused.stderr).toContain('refuses the token')
      expect(refused.stderr).not.toContain(wrong)
    }
    expect((await fetch(`${url}/v1/snapshot`)).status).toBe(401)
    expect((await runCommand(at)).code).toBe(2)
  })

  test('does nothing but read one path', async () => {
    const { url } = await serve({ port: 0, token: TOKEN })
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect((await fetch(`${url}/`, { headers })).status).toBe(404)
    expect((await fetch(`${url}/v1/snapshot`, { headers, method: 'POST' })).status).toBe(405)
  })

  test.each([undefined, '', 'short', 42])('needs a token, and %p is none', async (token) => {
    await expect(serveInspection(manager, { port: 0, token: token as string })).rejects.toThrow(
      /token of at least 16/,
    )
  })

  test('of another program is no inspection', async () => {
    const other = createServer((_, response) => response.end('hello'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const { code, stderr } = await runCommand(['report', '--url', `http://127.0.0.1:${port}`], {
      CONNMGR_TOKEN: TOKEN,
    })
    await new Promise((resolve) => other.close(resolve))
    expect(code).toBe(3)
    expect(stderr).toContain('no inspection of connmgr')
  })
})

describe('insights', () => {
  const statement = {
    text: 'select * from orders where id = ?',
    site: { functionName: 'load', file: 'src/orders.ts', line: 12, column: 3 },
    calls: 7,
    errors: 0,
    run: { p95Ms: 12.5 },
    wait: { p95Ms: 1 },
    share: 0.5,
  }

  test('are shown by their manager', async () => {
    const insights = {
      shop: {
        top: () => ({ statements: [statement] }),
        recommendations: async () => [
          { title: 'Orders are read one by one.', fix: 'Read them at once.' },
        ],
      },
    }
    await serve({ path: socket(), insights })
    const { stdout } = await runCommand(['top', '--once', '--socket', socket()])
    expect(stdout).toContain('select * from orders where id = ?')
    expect(stdout).toContain('src/orders.ts:12')
    expect(stdout).toContain('Orders are read one by one.')
  })

  test('of several managers are shown with their own alone, also if these have one name', async () => {
    const other = new ConnectionManager({
      driver: new FakeDriver(),
      endpoints: [fakeEndpoint('two')],
      options: { name: 'shop', logger: false },
    })
    const of = (owner: unknown, text: string) => ({
      manager: owner,
      top: () => ({ statements: [{ ...statement, text }] }),
    })
    const insights = [of(other, 'select 2'), of(manager, 'select 1')]
    const shown = async (given: InspectionOptions['insights']) => {
      const inspection = await serveInspection([manager, other], {
        path: socket(),
        insights: given,
      })
      const { stdout } = await runCommand(['report', '--json', '--socket', socket()])
      await inspection.close()
      return (JSON.parse(stdout) as ProcessSnapshot).managers.map(({ insights: excerpt, name }) => [
        name,
        excerpt?.statements.map(({ text }) => text),
      ])
    }
    expect(await shown(insights)).toEqual([
      ['shop', ['select 1']],
      ['shop#2', ['select 2']],
    ])
    expect(await shown(insights[0])).toEqual([
      ['shop', undefined],
      ['shop#2', ['select 2']],
    ])
    await other.close()
  })

  test('and managers that are none are refused', async () => {
    const serving = (...given: unknown[]) =>
      serveInspection(...(given as Parameters<typeof serveInspection>))
    await expect(serving({ managers: [manager] })).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option: 'managers',
    })
    await expect(serving(manager, { path: socket(), insights: [manager] })).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option: 'insights',
    })
  })

  test('that fail are reported, and harm nothing', async () => {
    const errors: string[] = []
    const insights = {
      top: () => {
        throw new Error('broken: postgres://app:hidden-word@db/app')
      },
    }
    const onError = ({ message }: Error): void => {
      errors.push(message)
      throw new Error('a callback that throws')
    }
    await serve({ path: socket(), insights, onError })
    const { code, stderr } = await runCommand(['report', '--socket', socket()])
    expect(code).toBe(3)
    expect(stderr).toContain('500')
    expect(stderr).not.toContain('hidden-word')
    expect(errors).toHaveLength(1)
  })
})

/** A process that is killed while it listens leaves its socket. */
async function leaveDeadSocket(file: string): Promise<void> {
  const program = `require('node:net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`
  const child = spawn(process.execPath, ['-e', program])
  await new Promise((resolve) => child.on('exit', resolve))
  expect(statSync(file).isSocket()).toBe(true)
}
