import { WriteToken } from '@connmgr/core'
import { tokenOf } from './write-token.js'

describe('a write token', () => {
  test.each([
    { systemId: '7353453453453453453', timeline: 12, position: 0x16_b374_d848n },
    { systemId: undefined, timeline: undefined, position: 0n },
    { systemId: 'a.b c;d=é"', timeline: 4294967295, position: 2n ** 64n - 1n },
  ])('comes back from its string as it was: %p', (position) => {
    const token = new WriteToken(position)
    expect(WriteToken.parse(String(token))).toEqual(token)
    expect(JSON.parse(JSON.stringify({ token }))).toEqual({ token: String(token) })
  })

  test('fits into a cookie as it is', () => {
    const token = new WriteToken({ systemId: '73.;, "é', timeline: 1, position: 5n })
    // cookie-octet, RFC 6265
    expect(String(token)).toMatch(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/)
  })

  test.each([
    '',
    'undefined',
    '1.1.zz.7',
    '2.1.5.7',
    '1.1.5',
    '1.1..7',
    '1.1.5.%',
    '1.1.5.7;',
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
    const token = new WriteToken({ systemId: '7', timeline: 1, position: 5n })
    expect(tokenOf({ toString: () => String(token) } as WriteToken)).toEqual(token)
    expect(() => tokenOf(7 as unknown as string)).toThrow(/after/)
  })
})
