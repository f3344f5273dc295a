import { networkFailure } from './network-errors.js'

test.each([
  ['ECONNREFUSED', 'unreachable'],
  ['EAI_AGAIN', 'unreachable'],
  ['ECONNRESET', 'lost'],
  ['ETIMEDOUT', 'lost'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'setup'],
  ['CERT_HAS_EXPIRED', 'setup'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'setup'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'setup'],
])('%s means %s', (code, kind) => {
  expect(networkFailure(code)).toBe(kind)
})

test.each(['42601', 'toString', '', 1045, undefined])('%p says nothing of a network', (code) => {
  expect(networkFailure(code)).toBeUndefined()
})
