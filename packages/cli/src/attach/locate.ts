import { readdirSync } from 'node:fs'
import path from 'node:path'
import { UnreachableError, UsageError } from '../exit-code.js'
import { countOf, type OptionDeclarations, type Parsed, textOf } from '../options/parse.js'
import { isOwnFolder, socketFolder, socketOf } from '../server/socket-path.js'
import type { Io } from '../terminal/io.js'

/** The options that say where a process can be attached to. */
export const ATTACH_OPTIONS = {
  socket: { type: 'string' },
  pid: { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
} as const satisfies OptionDeclarations

/** Where a process serves its state. */
export type Place = { readonly socket: string } | { readonly url: URL; readonly token: string }

/**
 * Where the options, or the environment, say that the process is; else the only process of this user that can be found.
 *
 * @param isAlive whether a socket is served
 * @throws UsageError for options that do not go together, and if there are several processes
 * @throws UnreachableError if there is none
 */
export async function locate(
  parsed: Parsed,
  env: Io['env'],
  isAlive: (socket: string) => Promise<boolean>,
): Promise<Place> {
  const socket = textOf(parsed, 'socket')
  const pid = countOf(parsed, 'pid', { least: 1 })
  const url = textOf(parsed, 'url')
  if ([socket, pid, url].filter((each) => each !== undefined).length > 1)
    throw new UsageError('--socket, --pid and --url name a process each; give one of them')
  if (url !== undefined) return { url: urlOf(url), token: tokenOf(parsed, env) }
  if (socket !== undefined) return { socket: path.resolve(socket) }
  if (pid !== undefined) return { socket: socketOf(pid, env) }
  if (env.CONNMGR_SOCKET) return { socket: path.resolve(env.CONNMGR_SOCKET) }
  return { socket: await onlySocket(socketFolder(env), isAlive) }
}

function urlOf(text: string): URL {
  let url: URL | undefined
  try {
    url = new URL(text)
  } catch {
    // Said below, without the text, which may hold a secret.
  }
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.password !== ''
  )
    throw new UsageError(
      '--url must be the address of a running process, such as http://127.0.0.1:9400, without user and password',
    )
  return url
}

function tokenOf(parsed: Parsed, env: Io['env']): string {
  const token = textOf(parsed, 'token') ?? env.CONNMGR_TOKEN
  if (!token)
    throw new UsageError(
      '--url needs the token of serveInspection: set CONNMGR_TOKEN, or give --token',
    )
  if (/[^\x21-\x7e]/.test(token))
    throw new UsageError('--token has characters that no header can carry; use letters and digits')
  return token
}

async function onlySocket(
  folder: string,
  isAlive: (socket: string) => Promise<boolean>,
): Promise<string> {
  const files = isOwnFolder(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.sock'))
        .map((name) => path.join(folder, name))
    : []
  const alive = await Promise.all(files.map(isAlive))
  const [first, ...others] = files.filter((_, index) => alive[index] === true)
  if (first === undefined)
    throw new UnreachableError(
      'no process of this user serves its state: call serveInspection() of @connmgr/cli/server there, or give --socket, --pid or --url',
    )
  if (others.length === 0) return first
  const pids = [first, ...others].map((file) => path.basename(file, '.sock')).join(', ')
  throw new UsageError(`several processes serve their state; give --pid, one of ${pids}`)
}
