import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Measured, Suite } from '../suite.js'

const SCRIPT = path.join(__dirname, '..', '..', '..', '..', 'scripts', 'check-size.mjs')

/** What `check-size.mjs --json` says of one package. */
interface Size {
  readonly bytes: number
  readonly budget: number
}

export const size: Suite = {
  name: 'size',
  about: 'each package, minified and gzipped, without what it imports from others',
  peers: [],
  async run() {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '--json'])
    const sizes = JSON.parse(stdout) as Record<string, Size>
    return Object.fromEntries(
      Object.entries(sizes).map(([name, { bytes, budget }]): [string, Measured] => [
        name,
        {
          times: { connmgr: bytes },
          unit: 'bytes',
          also: { 'budget in bytes': { connmgr: budget } },
        },
      ]),
    )
  },
}
