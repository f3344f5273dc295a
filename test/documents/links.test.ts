import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { anchorsOf, linksOf } from './markdown.js'

const ROOT = join(__dirname, '..', '..')
const REPOSITORY = 'https://github.com/connmgr/connmgr'
const IGNORED = new Set(['node_modules', 'dist', '.git', 'generated', '.turbo', 'coverage'])

/** Every Markdown file of the repository, relative to it. */
function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (IGNORED.has(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return pagesIn(path)
    return entry.name.endsWith('.md') ? [relative(ROOT, path)] : []
  })
}

/** What is wrong with a link to a file of the repository; undefined if nothing is. */
function problemOf(path: string, anchor: string | undefined): string | undefined {
  if (relative(ROOT, path).startsWith('..')) return 'leads out of the repository'
  if (!existsSync(path)) return 'leads to no file'
  if (anchor === undefined) return undefined
  const page = statSync(path).isDirectory() ? join(path, 'README.md') : path
  if (!page.endsWith('.md')) return 'has an anchor into what is no page'
  return anchorsOf(readFileSync(page, 'utf8')).has(anchor) ? undefined : `has no heading #${anchor}`
}

/** The file that a link to the repository's pages on the web stands for; undefined for other links. */
function fileOnTheWeb(target: string): string | undefined {
  if (target === REPOSITORY || target === `${REPOSITORY}/issues`) return ROOT
  const [, path] = new RegExp(`^${REPOSITORY}/(?:blob|tree)/main/(.*)$`).exec(target) ?? []
  return path === undefined ? undefined : join(ROOT, path)
}

function brokenLinks(page: string): string[] {
  return linksOf(readFileSync(join(ROOT, page), 'utf8')).flatMap(({ line, target }) => {
    const [address = '', anchor] = target.split('#')
    const isWeb = /^[a-z]+:/.test(address)
    const file = isWeb ? fileOnTheWeb(address) : resolve(ROOT, dirname(page), address)
    if (file === undefined) return []
    const path = address === '' ? join(ROOT, page) : file
    const problem = problemOf(path, anchor === 'readme' ? undefined : anchor)
    return problem === undefined ? [] : [`${page}:${line}: ${target} ${problem}`]
  })
}

const pages = pagesIn(ROOT)

test('the pages are found', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'SECURITY.md']))
})

test.each(pages)('every link of %s leads to a file and a heading that exist', (page) => {
  expect(brokenLinks(page)).toEqual([])
})

test.each(pages.filter((page) => /^packages\/[^/]+\/README\.md$/.test(page)))(
  'no link of %s breaks on the page of npm, where only its package is',
  (page) => {
    const leaving = linksOf(readFileSync(join(ROOT, page), 'utf8')).filter(
      ({ target }) => !/^(https:|#)/.test(target),
    )
    expect(leaving).toEqual([])
  },
)

test('every page of docs/ is listed in its index', () => {
  const listed = linksOf(readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8')).map(({ target }) =>
    join('docs', target),
  )
  const documents = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
  expect(documents.filter((page) => !listed.includes(page))).toEqual([])
})

test('commands of npm that the pages name exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const unknown = pages
    .filter((page) => page !== 'CHANGELOG.md')
    .flatMap((page) => {
      const named = readFileSync(join(ROOT, page), 'utf8').matchAll(
        /npm run (?:--silent )?([\w:]+)/g,
      )
      return [...named].map(([, script]) => ({ page, script: script as string }))
    })
    .filter(({ script }) => scripts[script] === undefined)
  expect(unknown).toEqual([])
})
