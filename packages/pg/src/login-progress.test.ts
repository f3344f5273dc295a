import { startScriptedServer, startSilentServer, TEST_CERTIFICATE } from '@connmgr/testing'
import type { ClientConfig } from 'pg'
import { PgDriver } from './driver.js'
import { endpointFrom } from './endpoint-config.js'

/** How many bytes had come when the password was asked for, and when the login was over. */
async function bytesOfLogin(port: number, ssl: ClientConfig['ssl']): Promise<number[]> {
  const driver = new PgDriver()
  let received = (): number => Number.NaN
  const seen: number[] = []
  const password = (): string => {
    seen.push(received())
    return 'secret'
  }
  const config = { host: '127.0.0.1', port, user: 'u', database: 'd', password, ssl: ssl ?? false }
  const endpoint = endpointFrom('url', { ...config, password: password as never })
  const client = await driver.connect(endpoint, {
    signal: new AbortController().signal,
    onSignal: () => {},
    watch: (count) => {
      received = count
    },
  })
  seen.push(received())
  driver.destroy(client)
  return seen
}

test('what a server sends during a login is counted, step by step', async () => {
  const server = await startScriptedServer({ login: 'password' })
  const [asked = 0, over = 0] = await bytesOfLogin(server.port, undefined)
  expect(asked).toBeGreaterThan(0)
  expect(over).toBeGreaterThan(asked)
  await server.close()
})

test('so is what it sends for the handshake of TLS', async () => {
  const server = await startScriptedServer({ login: 'password', tls: true })
  const [asked = 0, over = 0] = await bytesOfLogin(server.port, { ca: TEST_CERTIFICATE })
  // Its certificate alone.
  expect(asked).toBeGreaterThan(300)
  expect(over).toBeGreaterThan(asked)
  await server.close()
})

test('a server that only accepts has sent nothing', async () => {
  const server = await startSilentServer()
  const abort = new AbortController()
  let received = (): number => Number.NaN
  const endpoint = endpointFrom('url', { host: '127.0.0.1', port: server.port, user: 'u' })
  const connecting = new PgDriver().connect(endpoint, {
    signal: abort.signal,
    onSignal: () => {},
    watch: (count) => {
      received = count
    },
  })
  expect(received()).toBe(0)
  abort.abort(new Error('enough'))
  await expect(connecting).rejects.toThrow('enough')
  expect(received()).toBe(0)
  await server.close()
})
