/** One line of an exposition. */
export interface ExposedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' }

/** Reads Prometheus's text format. Refuses what it does not allow. */
export function parseExposition(text: string): ExposedSample[] {
  const samples: ExposedSample[] = []
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue
    const match = LINE.exec(line)
    if (match === null) throw new Error(`not a sample: ${line}`)
    const [, name, pairs = '', value] = match as unknown as [string, string, string, string]
    samples.push({ name, labels: parseLabels(pairs, line), value: parseValue(value) })
  }
  return samples
}

/** The sum of the samples with these labels, among others; undefined if there is none. */
export function valueIn(
  samples: readonly ExposedSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const values = samples
    .filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
    .map(({ value }) => value)
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
}

function parseLabels(pairs: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < pairs.length) {
    const match = LABEL.exec(pairs)
    if (match === null) throw new Error(`not labels: ${line}`)
    const [, label = '', value = ''] = match
    labels[label] = value.replaceAll(/\\(.)/g, (_all, letter: string) => ESCAPES[letter] as string)
  }
  return labels
}

function parseValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  const value = Number(text)
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`not a value: ${text}`)
  return value
}
