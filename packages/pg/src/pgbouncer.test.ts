import { classify } from './classify.js'

test.each([
  ['server login has been failing, try again later (server_login_retry)', 'unreachable'],
  ['server login failed: FATAL the database system is starting up', 'unreachable'],
  ['client_login_timeout (server down)', 'unreachable'],
  ['query_wait_timeout', 'unreachable'],
  ['no more connections allowed (max_client_conn)', 'busy'],
  ['no such database: shop', 'setup'],
  ['unsupported startup parameter: statement_timeout', 'setup'],
  ['server conn crashed?', 'lost'],
  ['idle transaction timeout', 'lost'],
])('what PgBouncer says: %s is %s', (message, kind) => {
  expect(classify(Object.assign(new Error(message), { code: '08P01' }))).toBe(kind)
})
