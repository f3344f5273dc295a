import { WriteToken } from '@connmgr/core'
import { tokenOf } from './write-token.js'

describe('a write token', () => {
  test.each([
    { cluster: '7353453453453453453', history: '12', position: '16/B374D848' },
    { cluster: undefined, history: '0-1-7,0-2-8', position: undefined },
    { cluster: 'a.b c;d=é"', history: undefined, position: ':/%' },
  ])('comes back from its string as it was: %p', (position) => {
    const token = new WriteToken(position)
    expect(WriteToken.parse(String(token))).toEqual(token)
    expect(JSON.parse(JSON.stringify({ token }))).toEqual({ token: String(token) })
  })

  test('fits into a cookie as it is', () => {
    const token = new WriteToken({ cluster: '73.;, "é', history: '1', position: 'A/5' })
    // cookie-octet, RFC 6265
    expect(String(token)).toMatch(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/)
  })

  test.each([
    '',
    'undefined',
    '2:7:1:z z',
    '1:7:1:5',
    '2:7:1',
    '2:7::',
    '2:7:1:%',
    '2:7:1:5;',
    'x'.repeat(5000),
  ])('is refused with what to pass instead if it is malformed: %s', (text) => {
    expect(() => WriteToken.parse(text)).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'after',
        message: expect.stringContaining('a token of manager.writeToken(), or its string'),
      }),
    )
  })

  test('of another copy of the package, or of another type, is read by its string', () => {
    const token = new WriteToken({ cluster: '7', history: '1', position: '5' })
    expect(tokenOf({ toString: () => String(token) } as WriteToken)).toEqual(token)
    expect(() => tokenOf(7 as unknown as string)).toThrow(/after/)
  })
})
