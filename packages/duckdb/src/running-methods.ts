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
