import type { Client } from 'pg'
import { internalsOf } from '../src/client-internals.js'
import type { PgConnectionManager } from '../src/connection-manager.js'
import { createConnectionManager } from '../src/create-connection-manager.js'
import type { PgManagerOptions } from '../src/manager-options.js'

/** A manager of one connection, whose messages `wire` notes. */
export function openWatched(wire: Wire, options: PgManagerOptions): PgConnectionManager {
  return createConnectionManager({
    poolSize: 1,
    maxOverflow: 0,
    healthMonitoring: false,
    logger: false,
    onConnect: (client) => wire.watch(client),
    ...options,
  })
}

interface Writing {
  _write(chunk: Buffer | string, encoding: BufferEncoding, callback: () => void): void
  _writev(
    chunks: { chunk: Buffer | string; encoding: BufferEncoding }[],
    callback: () => void,
  ): void
}

/** What has been written to the sockets of a manager: how often, and the types of the messages, in order. */
export class Wire {
  writes = 0
  messages = ''

  /** To be called when a client has connected. */
  watch(client: Client): void {
    const socket = internalsOf(client).connection?.stream as unknown as Writing
    const { _write, _writev } = socket
    socket._write = (chunk, encoding, callback) => {
      this.#note(Buffer.from(chunk as string, encoding))
      _write.call(socket, chunk, encoding, callback)
    }
    socket._writev = (chunks, callback) => {
      this.#note(
        Buffer.concat(chunks.map(({ chunk, encoding }) => Buffer.from(chunk as string, encoding))),
      )
      _writev.call(socket, chunks, callback)
    }
  }

  forget(): void {
    this.writes = 0
    this.messages = ''
  }

  #note(bytes: Buffer): void {
    this.writes += 1
    for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readInt32BE(at + 1))
      this.messages += String.fromCharCode(bytes[at] as number)
  }
}
