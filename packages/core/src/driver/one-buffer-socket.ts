import type { OnReadOpts, Socket, SocketConstructorOpts } from 'node:net'

const BYTES = 65_536

/** Of the thread: a read is copied out of it before the next one begins. */
let shared: Buffer | undefined

/**
 * A socket that is not connected, and whose reads of the network all go into one buffer of this thread. Otherwise Node makes
 * one of 64 KiB for each read, and has it collected again, which costs more than a small answer takes to parse. Its `data` is
 * a copy, which listeners may keep. For plain connections alone: a TLS socket reads for itself.
 *
 * @param SocketClass `net.Socket`, which core does not load
 */
export function oneBufferSocket(
  SocketClass: new (options: SocketConstructorOpts) => Socket,
): Socket {
  // There the system writes into the buffer of a read while others are under way.
  if (process.platform === 'win32') return new SocketClass({})
  shared ??= Buffer.allocUnsafeSlow(BYTES)
  const onread: OnReadOpts = {
    buffer: shared,
    callback: (bytes, buffer) => {
      const chunk = Buffer.allocUnsafe(bytes)
      chunk.set(buffer.subarray(0, bytes))
      socket.emit('data', chunk)
      return true
    },
  }
  // Not every version of Node's types has it among the options of a socket.
  const socket = new SocketClass({ onread } as SocketConstructorOpts)
  return socket
}
