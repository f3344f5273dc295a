import { coversPosition, formatHistory, formatPosition, orderHistories } from './history.js'

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562'
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562'
const mysql = (server: string, executed: string) => formatHistory('mysql', server, executed)
const mariadb = (server: string, executed: string, applied = '') =>
  formatHistory('mariadb', server, executed, applied)

const INVERSE: Readonly<Record<string, string>> = {
  ahead: 'behind',
  behind: 'ahead',
  newer: 'older',
  older: 'newer',
}

describe('the order of histories', () => {
  test.each([
    [
      'a promoted server that has written is ahead of the writer before it',
      mariadb('2', '0-1-7,0-2-8'),
      mariadb('1', '0-1-7'),
      'ahead',
    ],
    [
      'each has what the other lacks after a divergence',
      mariadb('2', '0-1-7,0-2-8'),
      mariadb('1', '0-1-8'),
      'diverged',
    ],
    ['equal sets are equal', mariadb('2', '0-1-7'), mariadb('1', '0-1-7'), 'equal'],
    [
      'a writer that lost its own tail in a crash is no proof of another',
      mariadb('1', '0-1-7'),
      mariadb('2', '0-1-9'),
      'unknown',
    ],
    ['a replica that is behind is behind', mariadb('2', '0-1-5'), mariadb('1', '0-1-9'), 'behind'],
    [
      'one server later on is ahead of itself',
      mariadb('1', '0-1-9'),
      mariadb('1', '0-1-5'),
      'ahead',
    ],
    [
      'one server after another has written is ahead of itself',
      mariadb('1', '0-1-7,0-2-9,0-1-10'),
      mariadb('1', '0-1-7'),
      'ahead',
    ],
    [
      'MySQL: a promoted server is ahead',
      mysql(B, `${A}:1-7,${B}:1`),
      mysql(A, `${A}:1-7`),
      'ahead',
    ],
    [
      'MySQL: a tagged transaction of its own counts as its own',
      mysql(A, `${A}:1-7`),
      mysql(B, `${A}:1-7:tag:1-2`),
      'unknown',
    ],
    ['MySQL: divergence', mysql(B, `${A}:1-7,${B}:1`), mysql(A, `${A}:1-8`), 'diverged'],
    [
      'a replica that logs nothing of what it applies is behind its writer',
      mariadb('2', '', '0-1-5'),
      mariadb('1', '0-1-9'),
      'behind',
    ],
    [
      'one that does not show what it had before is equal to what it may be',
      mariadb('3', '', '0-2-9'),
      mariadb('2', '0-2-9', '0-1-7'),
      'equal',
    ],
    [
      'one that does not show what it had before may have diverged from an old writer',
      mariadb('3', '', '0-2-9'),
      mariadb('1', '0-1-7'),
      'unknown',
    ],
    [
      'an old writer that went on for longer has diverged from it',
      mariadb('3', '', '0-2-9'),
      mariadb('1', '0-1-12'),
      'diverged',
    ],
    [
      'two kinds of servers have nothing in common',
      mysql(A, `${A}:1`),
      mariadb('1', '0-1-1'),
      'unknown',
    ],
    ['what cannot be read tells nothing', 'nonsense', mariadb('1', '0-1-1'), 'unknown'],
  ])('%s', (_name, one, other, order) => {
    expect(orderHistories(one, other)).toBe(order)
    expect([INVERSE[order] ?? order, 'same']).toContain(orderHistories(other, one))
  })

  test('is never newer or older', () => {
    for (const one of ['0-1-7', '0-1-7,0-2-8', '0-1-9', '0-2-9,0-3-10'])
      for (const other of ['0-1-7', '0-1-7,0-2-8', '0-1-9', '0-2-9,0-3-10'])
        expect(['newer', 'older']).not.toContain(
          orderHistories(mariadb('1', one), mariadb('2', other)),
        )
  })
})

describe('covering a position', () => {
  const written = formatPosition('mariadb', '0-1-7', '0-1-7')
  test.each([
    ['a standby that has applied it covers it', formatPosition('mariadb', '0-1-8', '0-1-8'), true],
    [
      'one that has logged it and not applied it does not',
      formatPosition('mariadb', '0-1-7', '0-1-6'),
      false,
    ],
    [
      'one that went on after a promotion, with it',
      formatPosition('mariadb', '0-1-7,0-2-9', '0-2-9'),
      true,
    ],
    [
      'one that went on after a promotion, without it',
      formatPosition('mariadb', '0-1-6,0-2-9', '0-2-9'),
      false,
    ],
    [
      'one that keeps no log, after a promotion, is in doubt',
      formatPosition('mariadb', '', '0-2-9'),
      false,
    ],
    ['one of another kind does not', formatPosition('mysql', `${A}:1-9`), false],
    ['nonsense does not', 'mariadb x y', false],
  ])('%s', (_name, position, covers) => {
    expect(coversPosition(position, written)).toBe(covers)
  })

  test('in MySQL it is the set that counts', () => {
    expect(
      coversPosition(formatPosition('mysql', `${A}:1-9`), formatPosition('mysql', `${A}:1-5`)),
    ).toBe(true)
    expect(
      coversPosition(formatPosition('mysql', `${A}:1-3:5-9`), formatPosition('mysql', `${A}:1-5`)),
    ).toBe(false)
  })
})
