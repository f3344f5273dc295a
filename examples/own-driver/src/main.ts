import { ConnectionManager } from '@connmgr/core'
import { respDriver } from './resp-driver.js'
import { RespServer } from './resp-server.js'

async function main(): Promise<void> {
  const primary = new RespServer()
  const copy = new RespServer(primary)
  const endpoints = await Promise.all(
    [primary, copy].map(async (server) => {
      const port = await server.listen()
      return { id: `127.0.0.1:${port}`, host: '127.0.0.1', port, config: undefined }
    }),
  )
  const nameOf = (id: string | undefined): string =>
    id === endpoints[0]?.id ? 'the primary' : 'the copy'
  const manager = new ConnectionManager({
    driver: respDriver,
    endpoints,
    options: { name: 'resp', poolSize: 3, logger: false, leakDetection: { thresholdMs: 200 } },
  })

  try {
    await manager.transaction(async (connection) => {
      await connection.send('SET', 'greeting', 'hello')
    })
    const read = (target: 'primary' | 'standby') =>
      manager.use((connection) => connection.send('GET', 'greeting'), { target })
    console.log('read from the primary and the copy:', await read('primary'), await read('standby'))

    const leaked = await manager.acquire({ label: 'forgotten on purpose' })
    await new Promise((resolve) => manager.on('leakDetected', resolve))
    console.log('leak named:', manager.detectLeaks()[0]?.checkedOutBy)
    leaked.release()

    const moved = new Promise<string>((resolve) =>
      manager.on('failoverCompleted', ({ from, endpoint }) =>
        resolve(`from ${nameOf(from)} to ${nameOf(endpoint)}`),
      ),
    )
    await primary.stop()
    copy.promote()
    // A connection may be lost while the command is under way; that one may be run twice.
    await manager.use((connection) => connection.send('SET', 'greeting', 'hello again'), {
      replay: 'idempotent',
    })
    console.log('writes moved', await moved, '- and read:', await read('primary'))
  } finally {
    await manager.close()
    await primary.stop()
    await copy.stop()
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
