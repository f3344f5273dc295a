import { createServer } from 'node:net'

// Below the ports that systems hand out by themselves: an outgoing connection must not take the port of a
// server that is down for the moment.
const LOWEST = 15_000
const HIGHEST = 32_000

/** A port on 127.0.0.1 that is free right now. Another process may still take it first: be ready to retry. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })
}
