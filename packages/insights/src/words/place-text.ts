import type { CodePlace } from '../snapshot.js'

/** `function (file:line:column)`, as reports of leases have it. */
export function placeText({ column, file, functionName, line }: CodePlace): string {
  return `${functionName} (${file}:${line}:${column})`
}
