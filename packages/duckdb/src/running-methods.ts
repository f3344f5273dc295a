/** Methods that run a statement and answer later; connections and prepared statements have them alike. */
export const RUNS = [
  'run',
  'runAndRead',
  'runAndReadAll',
  'runAndReadUntil',
  'stream',
  'streamAndRead',
  'streamAndReadAll',
  'streamAndReadUntil',
] as const

/** Those of them whose rows are read later on. */
export const STREAMS: ReadonlySet<string> = new Set([
  'stream',
  'streamAndRead',
  'streamAndReadUntil',
])
