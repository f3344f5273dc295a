import { chmodSync, lstatSync, mkdtempSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import path from 'node:path'
import { listening } from './listening.js'

/** What fits into the address of a socket on all systems, without the end of the text. */
const LONGEST_PATH_BYTES = 103
/** What the name of the folder adds in which the socket is made. */
const TEMPORARY_BYTES = 9

/**
 * Has a server listen on a socket that this user alone may connect to: it is made in a folder of mode 0700, gets mode 0600
 * there, and only then its name, so that there is no moment at which others could connect. It takes the place of a socket
 * that a dead process has left behind.
 *
 * @returns the function that removes the socket, unless another has taken its place
 * @throws Error if a process listens there, or the file is none of a socket
 */
export async function listenOnSocket(server: Server, file: string): Promise<() => void> {
  if (process.platform === 'win32')
    throw new Error('Windows has no sockets with modes; give serveInspection a port and a token')
  if (Buffer.byteLength(file) + TEMPORARY_BYTES > LONGEST_PATH_BYTES)
    throw new Error(
      `the path of a socket may have ${LONGEST_PATH_BYTES - TEMPORARY_BYTES} bytes, and "${file}" has ${Buffer.byteLength(file)}; name a shorter one`,
    )
  await requireFree(file)
  const folder = mkdtempSync(`${file}.`)
  try {
    const made = path.join(folder, 's')
    await listening(server, { path: made })
    chmodSync(made, 0o600)
    renameSync(made, file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const { ino } = lstatSync(file)
  return () => {
    if (lstatSync(file, { throwIfNoEntry: false })?.ino === ino) unlinkSync(file)
  }
}

async function requireFree(file: string): Promise<void> {
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new Error(
      `"${file}" is there and no socket; remove it, or give serveInspection another path`,
    )
  if (await isServed(file))
    throw new Error(
      `another process listens on "${file}"; give each process a path of its own, such as one with its process id`,
    )
}

function isServed(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // A socket of another user's process refuses with EACCES, and is served as well.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'))
  })
}
