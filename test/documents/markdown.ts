/** A link or an image of a page. */
export interface Link {
  readonly line: number
  readonly target: string
}

const TEXT = /^\s*(```|~~~)/

/** The lines outside of fences and comments, the others empty. */
function proseOf(markdown: string): string[] {
  let fenced = false
  return markdown
    .replaceAll(/<!--[\s\S]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .split('\n')
    .map((line) => {
      if (TEXT.test(line)) {
        fenced = !fenced
        return ''
      }
      return fenced ? '' : line.replaceAll(/`[^`]*`/g, (code) => code.replaceAll(/[()[\]]/g, ' '))
    })
}

export function linksOf(markdown: string): Link[] {
  const prose = proseOf(markdown).join('\n')
  return [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?\s*\)/g)].map(({ index, 1: target }) => ({
    line: prose.slice(0, index).split('\n').length,
    target: target as string,
  }))
}

/** The anchors of its headings, as GitHub and npm make them. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const line of proseOf(markdown)) {
    const [, title] = /^#{1,6} (.*)$/.exec(line) ?? []
    if (title === undefined) continue
    const slug = title
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-')
    let anchor = slug
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`
    anchors.add(anchor)
  }
  return anchors
}

/** The rows of all tables below a heading, or of the page, each as its cells. Separators and headers are left out. */
export function rowsOf(markdown: string, heading?: string): string[][] {
  const lines = proseLines(markdown)
  const start = heading === undefined ? 0 : lines.indexOf(heading) + 1
  if (heading !== undefined && start === 0) throw new Error(`the page has no heading "${heading}"`)
  const level = heading?.split(' ')[0]?.length ?? 0
  const end = lines.findIndex(
    (line, index) => index >= start && level > 0 && new RegExp(`^#{1,${level}} `).test(line),
  )
  const section = lines.slice(start, end < 0 ? undefined : end)
  return section
    .filter((line, index) => line.startsWith('|') && !isHeader(section, index))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
}

/** As they are, without what is in fences. */
function proseLines(markdown: string): string[] {
  let fenced = false
  return markdown.split('\n').map((line) => {
    if (TEXT.test(line)) fenced = !fenced
    return fenced ? '' : line
  })
}

function isHeader(lines: readonly string[], index: number): boolean {
  const isRule = (line: string | undefined): boolean => /^\| ?:?-+/.test(line ?? '')
  return isRule(lines[index]) || isRule(lines[index + 1])
}

/** The names in backticks of a cell. */
export function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)
}
