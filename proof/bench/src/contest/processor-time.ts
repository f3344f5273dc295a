import { readdirSync, readFileSync } from 'node:fs'

/** Nanoseconds that the processes of a server have run, with all their threads; 0 where the system does not tell. */
export function processorTimeOf(pid: number | undefined): number {
  if (pid === undefined) return 0
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    const processes = [String(pid), ...children.split(' ').filter((each) => each !== '')]
    return processes.reduce((sum, process) => sum + ranFor(process), 0)
  } catch {
    return 0
  }
}

function ranFor(pid: string): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]),
    )
    .reduce((sum, each) => sum + each, 0)
}
