import { readFileSync } from 'node:fs'
import path from 'node:path'

/** Of this package, as it is installed. */
export const VERSION: string = (
  JSON.parse(readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8')) as {
    version: string
  }
).version
