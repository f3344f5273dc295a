import type { Finding } from './finding.js'

/** A product whose versions are supported until known days. */
export type Product = 'PostgreSQL' | 'MySQL' | 'MariaDB'

/**
 * The last days of support, as the projects have announced them: https://www.postgresql.org/support/versioning/,
 * https://mariadb.org/about/#maintenance-policy, and Oracle's lifetime support policy for MySQL. What is newer than this list
 * is taken for supported.
 */
const LAST_DAYS: Readonly<Record<Product, Readonly<Record<string, string>>>> = {
  PostgreSQL: {
    '9.6': '2021-11-11',
    '10': '2022-11-10',
    '11': '2023-11-09',
    '12': '2024-11-21',
    '13': '2025-11-13',
    '14': '2026-11-12',
    '15': '2027-11-11',
    '16': '2028-11-09',
    '17': '2029-11-08',
    '18': '2030-11-14',
  },
  MySQL: { '5.6': '2021-02-05', '5.7': '2023-10-31', '8.0': '2026-04-30' },
  MariaDB: {
    '10.3': '2023-05-25',
    '10.4': '2024-06-18',
    '10.5': '2025-06-24',
    '10.6': '2026-07-06',
    '10.11': '2028-02-16',
    '11.4': '2029-05-29',
  },
}
const SOON_MS = 180 * 86_400_000

/** Whether a version is supported at a time. @param series `15`, `8.0` */
export function findEndOfLife(product: Product, series: string, now: number): Finding[] {
  const lastDay = LAST_DAYS[product][series]
  if (lastDay === undefined) return []
  const leftMs = Date.parse(lastDay) - now
  if (leftMs > SOON_MS) return []
  const over = leftMs < 0
  return [
    {
      id: 'server-end-of-life',
      severity: over ? 'warning' : 'advice',
      title: over
        ? `${product} ${series} gets no fixes any more, of security holes neither.`
        : `${product} ${series} gets fixes until ${lastDay} only.`,
      evidence: [`its community support ${over ? 'ended' : 'ends'} on ${lastDay}`],
      fix: `Plan the upgrade to a later version of ${product}.`,
    },
  ]
}
