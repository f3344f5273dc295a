import { redactText } from './index.js'

test.each([
  ['a URL', 'postgres://u:p@h/d', 'postgres://u:***@h/d'],
  ['a URL without a user', 'redis://:p@h', 'redis://:***@h'],
  ['an @ in the password', 'postgres://u:p@ss@h/d', 'postgres://u:***@h/d'],
  ['a slash in the password', 'postgres://u:p/ss@h/d', 'postgres://u:***@h/d'],
  ['a space in the password', 'postgres://u:p ss@h/d', 'postgres://u:***@h/d'],
  ['a quote in the password', `postgres://u:p"s's@h/d`, 'postgres://u:***@h/d'],
  ['an @ in the user', 'postgres://u@x:p@h/d', 'postgres://u@x:***@h/d'],
  ['a bad port', 'postgres://u:p@h:port/d', 'postgres://u:***@h:port/d'],
  ['several hosts', 'postgres://u:p@h1:1,h2:2/d', 'postgres://u:***@h1:1,h2:2/d'],
  ['one slash too few', 'postgres:/u:p@h/d', 'postgres:/u:***@h/d'],
  ['no scheme', 'u:p@h:5432/d', 'u:***@h:5432/d'],
  [
    'two URLs in a sentence',
    'from postgres://u:p@h/d to mysql://a:b@c/d',
    'from postgres://u:***@h/d to mysql://a:***@c/d',
  ],
  ['a parameter', 'postgres://h/d?user=u&password=p&x=1', 'postgres://h/d?user=u&password=***&x=1'],
  [
    'a parameter with a space',
    'postgres://h/d?password=p s&x=1',
    'postgres://h/d?password=***&x=1',
  ],
  ['a key-value string', "host=h password='p s' user=u", "host=h password='***' user=u"],
  ['an environment variable', 'PGPASSWORD=p psql', 'PGPASSWORD=*** psql'],
  ['JSON', '{"password":"p\\"s","user":"u"}', '{"password":"***","user":"u"}'],
  ['a printed object', "{ password: 'p s', user: 'u' }", "{ password: '***', user: 'u' }"],
  ['a sentence', 'wrong password: p', 'wrong password: ***'],
  [
    'a private key',
    'key -----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY----- end',
    'key -----BEGIN RSA PRIVATE KEY----- *** end',
  ],
])('hides the secret of %s', (_, text, expected) => {
  expect(redactText(text)).toBe(expected)
  expect(redactText(expected)).toBe(expected)
})

test.each([
  'no secrets: a:b@c',
  'see http://h:80/path and write to me@h',
  'password authentication failed for user "u"',
  'Unexpected token: }',
  'connection 7 to 127.0.0.1:5432/db opened in 3 ms',
  'at Object.<anonymous> (C:\\work\\pg@8\\index.js:1:2)',
  'at load (/app/node_modules/.store/pg@8.1.0/index.js:1:2)',
])('leaves %s as it is', (text) => {
  expect(redactText(text)).toBe(text)
})

test.each([
  ['one long word', 'a'.repeat(200_000)],
  ['many schemes', 'x://x:'.repeat(30_000)],
  ['many colons', '=a:'.repeat(60_000)],
  ['many hyphens', 'a-'.repeat(100_000)],
])('takes no time out of proportion for %s', (_, text) => {
  const startedAt = performance.now()
  redactText(text)
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
