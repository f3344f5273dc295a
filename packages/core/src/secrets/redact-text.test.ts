import { inspect } from 'node:util'
import fc from 'fast-check'
import { redactText } from './redact-text.js'

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
  [
    'what MySQL says of a login',
    "Access denied for user 'app'@'db' (using password: YES)",
    "Access denied for user 'app'@'db' (using password: YES)",
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

  ['a key-value string', 'host=h password=p user=u', 'host=h password=*** user=u'],
  [
    'one with spaces around =',
    'host = h password = p user = u',
    'host = h password = *** user = u',
  ],
  ['an escaped space', 'host=h password=p\\ s user=u', 'host=h password=*** user=u'],
  ['an escaped quote', "host=h password='p\\'s' user=u", "host=h password='***' user=u"],
  ['a quote within', "password=p's user=u", 'password=*** user=u'],
  ['pass', 'host=h pass=p', 'host=h pass=***'],
  [
    'pwd, in a string with semicolons',
    'Server=h;Uid=u;Pwd=p;Database=d',
    'Server=h;Uid=u;Pwd=***;Database=d',
  ],
  ['a braced value', 'Pwd={p;s};Database=d', 'Pwd={***};Database=d'],
  ['*_PASS', 'DB_PASS=p SMTP_PASS="p s"', 'DB_PASS=*** SMTP_PASS="***"'],
  ['*_PWD', 'MYSQL_PWD=p mysql', 'MYSQL_PWD=*** mysql'],
  [
    'a numbered and a qualified name',
    'DB_PASSWORD_2=p password_old=q',
    'DB_PASSWORD_2=*** password_old=***',
  ],
  ['keys', 'api_key=a&apiKey=b accessKey=c', 'api_key=*** accessKey=***'],
  ['a flag', 'psql --password p -h h', 'psql --password *** -h h'],
  ['ALTER ROLE', "ALTER ROLE app PASSWORD 'p'", "ALTER ROLE app PASSWORD '***'"],
  [
    'ALTER USER',
    "alter user app with password 'p' valid until 'x'",
    "alter user app with password '***' valid until 'x'",
  ],
  [
    'CREATE ROLE',
    "CREATE ROLE a ENCRYPTED PASSWORD E'p\\'s' LOGIN",
    "CREATE ROLE a ENCRYPTED PASSWORD E'***' LOGIN",
  ],
  ['a doubled quote', "ALTER ROLE a PASSWORD 'p''s' LOGIN", "ALTER ROLE a PASSWORD '***' LOGIN"],
  [
    'a dollar quote',
    'ALTER ROLE a PASSWORD $x$p$s$x$ LOGIN',
    'ALTER ROLE a PASSWORD $x$***$x$ LOGIN',
  ],
  ['a comment before it', "PASSWORD /* new */ 'p'", "PASSWORD /* new */ '***'"],
  ['a literal in parts', "PASSWORD 'p'\n  's' LOGIN", "PASSWORD '***' LOGIN"],
  ['no closing quote', "ALTER ROLE a PASSWORD 'p", "ALTER ROLE a PASSWORD '***"],
  ['a user mapping', "OPTIONS (user 'u', password 'p')", "OPTIONS (user 'u', password '***')"],
  [
    'a subscription',
    "CONNECTION 'host=h password=p' PUBLICATION x",
    "CONNECTION 'host=h password=***' PUBLICATION x",
  ],
  [
    'a quoted value in a literal',
    "CONNECTION 'host=h password=''p s'' user=u'",
    "CONNECTION 'host=h password=''***'' user=u'",
  ],
  [
    'dblink',
    "dblink_connect('c', 'host=h password=p')",
    "dblink_connect('c', 'host=h password=***')",
  ],
  [
    'set_config',
    "set_config('app.jwt_secret', 'p', false)",
    "set_config('app.jwt_secret', '***', false)",
  ],
  [
    'SET',
    "SET app.api_key = 'p'; SET app.token TO 'q'",
    "SET app.api_key = '***'; SET app.token TO '***'",
  ],
  ['MySQL', "CREATE USER u IDENTIFIED BY 'p'", "CREATE USER u IDENTIFIED BY '***'"],
  ['a plugin of MySQL', "IDENTIFIED WITH sha2 BY 'p'", "IDENTIFIED WITH sha2 BY '***'"],
  [
    'functions of pgcrypto',
    "select pgp_sym_encrypt('data', 'p'), crypt($1, 'q')",
    "select pgp_sym_encrypt('***', '***'), crypt($1, '***')",
  ],
  ['a comment right behind', "PASSWORD--new\n'p'", "PASSWORD--new\n'***'"],
  ['a quoted name', `OPTIONS ("password" 'p')`, `OPTIONS ("password" '***')`],
  ['SET without quotes', 'set local app.secret to p', 'set local app.secret to ***'],
  [
    'a list',
    "where api_key in ('p', 'q') and a in ('b')",
    "where api_key in ('***', '***') and a in ('b')",
  ],
  ['SET PASSWORD FOR', "SET PASSWORD FOR u = 'p'", "SET PASSWORD FOR u = '***'"],
  ['a semicolon in braces', 'a;password={p;q};x=1', 'a;password={***};x=1'],
  [
    'a pair of name and value',
    '{"name":"db_password","value":"p"}',
    '{"name":"db_password","value":"***"}',
  ],
  [
    'an element of a configuration',
    '<add key="password" value="p"/>',
    '<add key="password" value="***"/>',
  ],
  ['an apostrophe that is not escaped', "password='it's p' user=u", "password='***' user=u"],
  ['a bearer token', 'sent Bearer abc.def-1 to h', 'sent Bearer *** to h'],
  ['a header', 'Authorization: Bearer abc', 'Authorization: ***'],
  [
    'a header in a command',
    "curl -H 'authorization: Basic dTpw' https://h",
    "curl -H 'authorization: ***' https://h",
  ],
  ['basic credentials', 'with Basic dXNlcjpwYXNz', 'with Basic ***'],
  ['a cookie', 'cookie: a=b; c=d\nhost: h', 'cookie: ***\nhost: h'],
  ['a web token', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'got ***'],
  [
    'a presigned URL',
    'https://h/k?X-Amz-Credential=AK%2F1&X-Amz-Date=1&X-Amz-Security-Token=t&X-Amz-Signature=s',
    'https://h/k?X-Amz-Credential=***&X-Amz-Date=1&X-Amz-Security-Token=***&X-Amz-Signature=***',
  ],
  ['a shared access signature', 'https://h/c?sv=1&sig=a%2Bb&se=2', 'https://h/c?sv=1&sig=***&se=2'],
  [
    'a login token of RDS',
    'host=h password=h:5432/?Action=connect&X-Amz-Signature=s user=u',
    'host=h password=*** user=u',
  ],
  [
    'a percent-encoded name',
    'postgres://h/d?pass%77ord=p&x=1',
    'postgres://h/d?pass%77ord=***&x=1',
  ],
  ['another', 'postgres://h/d?%70assword=p&x=1', 'postgres://h/d?%70assword=***&x=1'],
  ['a name encoded twice', 'h?%2570assword=p', 'h?%2570assword=***'],
  [
    'a percent-encoded value',
    'postgres://h/d?password=p%26q&x=1',
    'postgres://h/d?password=***&x=1',
  ],
  [
    'encoded parameters',
    'h?dsn=user%3Du%20password%3Dp%20s&x=1',
    'h?dsn=user%3Du%20password%3D***&x=1',
  ],
  [
    'an encoded URL',
    'h?url=postgres%3A%2F%2Fu%3Ap%40h%2Fd',
    'h?url=postgres%3A%2F%2Fu%3A***%40h%2Fd',
  ],
  ['an escaped name', '{"pass\\u0077ord":"p"}', '{"pass\\u0077ord":"***"}'],
  [
    'JSON in JSON',
    '{"a":"{\\"password\\":\\"p\\\\\\"s\\",\\"u\\":1}"}',
    '{"a":"{\\"password\\":\\"***\\",\\"u\\":1}"}',
  ],
  [
    'other databases',
    'mongodb+srv://u:p@h/d redis://:p@h mariadb://u:p@h',
    'mongodb+srv://u:***@h/d redis://:***@h mariadb://u:***@h',
  ],
  ['a token as user', 'git clone https://t0ken@h/r', 'git clone https://***@h/r'],
  ['a printed map', "Map(1) { 'password' => 'p' }", "Map(1) { 'password' => '***' }"],
  ['a number', '{ password: 123, user: 1 }', '{ password: ***, user: 1 }'],
  ['an element', '<password>p</password>', '<password>***</password>'],
  [
    'an empty secret before another',
    "{ password: '', token: 'p' }",
    "{ password: '', token: '***' }",
  ],
  ['a key with a word before it', 'the secret key: p', 'the secret key: ***'],
  [
    'a verifier',
    'rolpassword is SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy',
    'rolpassword is ***',
  ],
])('hides the secret of %s', (_, text, expected) => {
  expect(redactText(text)).toBe(expected)
  expect(redactText(expected)).toBe(expected)
})

test.each([
  'no secrets: a:b@c',
  'pass 5, fail 0; passed: 5; bypass=1 compass: north encompass=2',
  'token_count=3 max_tokens: 100 tokenizer=x tokens=12 token_type: bearer',
  'Key (email)=(ada@example.com) already exists; primary key: id',
  'foreign_key=a, sort_key: b, key=value, public_key: c',
  'duplicate key value violates unique constraint "users_pkey"',
  '{ password: undefined, token: null, hasPassword: true, secret: [Function: f] }',
  'password_encryption=scram-sha-256 require_auth=scram-sha-256 passfile=/home/u/.pgpass',
  'password is missing; the token has expired; a secret was found; basic usage of bearer tokens',
  'Unexpected token \'a\', "abc" is not valid JSON',
  'column "password" does not exist',
  'select password::text, token from users where id = $1',
  'usage: login <user> <password> [host]; writeToken(): Promise<WriteToken> {',
  'signature: (a, b) => void; SIGTERM; signal: 9',
  'the server requires password authentication (scram-sha-256)',
  'postgres://h/d?sslmode=require&application_name=a',
  'https://h:8080/path?x=1 https://h/@scope/name postgres://user@h/d',
  '{ credentials: { user: 1 } }',
  "insert into t (a, b) values ('x', $1) returning id",
  'at Client.password (/app/node_modules/pg/lib/client.js:10:5)',
  'see http://h:80/path and write to me@h',
  'password authentication failed for user "u"',
  'Unexpected token: }',
  'connection 7 to 127.0.0.1:5432/db opened in 3 ms',
  'at Object.<anonymous> (C:\\work\\pg@8\\index.js:1:2)',
  'at load (/app/node_modules/.store/pg@8.1.0/index.js:1:2)',
])('leaves %s as it is', (text) => {
  expect(redactText(text)).toBe(text)
})

const NASTY = [
  'a',
  'a-',
  'pass',
  'password',
  'password=',
  'password: ',
  "password '",
  'password="',
  '=a:',
  ':',
  '@',
  'x://',
  'x://x:',
  'x://x: ',
  'x:1@h/',
  '%3A%2F%2F',
  '%70',
  '%25',
  '%2570',
  '\\',
  "'",
  '"',
  "''",
  '\\"',
  '$',
  '$a$',
  'crypt(',
  "crypt('",
  '(',
  '/*',
  '--',
  '--password ',
  '-----BEGIN PRIVATE KEY-----',
  'eyJ',
  'eyJaaaaaaaa.',
  'bearer ',
  'basic aaaa ',
  '<token>',
  ' ',
  '\n',
  'by ',
  'identified by ',
  '[',
  '{',
  '\\u0070',
  'key ',
  "set_config('token',",
  'token\t',
  'gho_',
  'authorization:',
  '1base',
]

test.each(NASTY)('takes time in proportion to the length of many %j', (piece) => {
  const measure = (length: number): number => {
    const text = piece.repeat(length / piece.length)
    const startedAt = process.cpuUsage().user
    redactText(text)
    return process.cpuUsage().user - startedAt
  }
  measure(20_000)
  // Were it quadratic, ten times the length would take a hundred times as long.
  const short = Math.max(measure(40_000), 4000)
  expect(measure(400_000)).toBeLessThan(short * 50)
})

/** Where a secret stands, and how it is written there. */
const TEMPLATES: readonly (readonly [string, (secret: string) => string])[] = [
  ["host=h password='%' user=u", backslashed],
  ['host=h password=% user=u', escapeAll],
  ['host=h password = % user=u', escapeAll],
  ['DB_PASS=%', escapeAll],
  ["ALTER ROLE a PASSWORD '%'", doubled],
  ["alter user a with encrypted password E'%' login", backslashed],
  ['ALTER ROLE a PASSWORD $q$%$q$', plain],
  ["CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password '%')", doubled],
  [
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password=''%'' user=u' PUBLICATION p",
    (each) => doubled(doubled(backslashed(each))),
  ],
  ["select set_config('app.secret', '%', true)", doubled],
  ["SET app.api_key TO '%'", doubled],
  ["select pgp_sym_encrypt(a, '%') from t", doubled],
  ['postgres://u:%@h:5432/d', encodeURIComponent],
  ['postgres://h/d?password=%&sslmode=require', encodeURIComponent],
  ['postgres://h/d?%70ass%77ord=%&sslmode=require', encodeURIComponent],
  ['https://h/k?X-Amz-Security-Token=%&a=b', encodeURIComponent],
  [
    'https://h/k?url=postgres%3A%2F%2Fu%3A%%40h%2Fd',
    (each) => encodeURIComponent(encodeURIComponent(each)),
  ],
  ['{"user":"u","password":%,"a":1}', JSON.stringify],
  ['{"log":%}', (each) => JSON.stringify(JSON.stringify({ clientSecret: each, a: 1 }))],
  ['%', (each) => inspect({ user: 'u', api_key: each, a: 1 })],
  ['%', (each) => inspect(new Map([['access_token', each]]))],
  ['authorization: Bearer %\nhost: h', (each) => encodeURIComponent(each)],
  ['Authorization: Basic %', (each) => Buffer.from(`u:${each}`).toString('base64')],
  ['<passwd>%</passwd>', (each) => each.replaceAll('<', '&lt;')],
]

const SECRETS = fc
  .string({
    unit: fc.constantFrom(...`aZ9 \t'"\`\\$&;:,@/?#%=+{}[]()<>*_-.é😀`),
    minLength: 1,
    maxLength: 12,
  })
  .map((middle) => `hunter${middle}Xyz`)
  .filter((secret) => !secret.includes('$q$'))

test.each(TEMPLATES)('no part of a secret survives in %s', (template, write) => {
  fc.assert(
    fc.property(SECRETS, fc.constantFrom('', 'note: '), (secret, before) => {
      const [head = '', ...rest] = template.split(/%(?![0-9A-F]{2})/)
      const text = `${before}${head}${write(secret)}${rest.join('%')}`
      const redacted = redactText(text)
      expect(redacted).not.toContain('hunter')
      expect(redacted).not.toContain('Xyz')
      expect(redactText(redacted)).toBe(redacted)
    }),
    { numRuns: 300 },
  )
})

test('redacting again changes nothing, whatever the text', () => {
  const pieces = fc.constantFrom(
    ...NASTY,
    'u:p@h:1',
    'secret',
    '***',
    'postgres://u:p@h/d',
    ',',
    ';',
    '&',
    '?',
    '>',
    '}',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const once = redactText(parts.join(' '))
      expect(redactText(once)).toBe(once)
    }),
    { numRuns: 2000 },
  )
})

function plain(secret: string): string {
  return secret
}

function doubled(secret: string): string {
  return secret.replaceAll("'", "''")
}

function backslashed(secret: string): string {
  return secret.replace(/['\\]/g, '\\$&')
}

function escapeAll(secret: string): string {
  return secret.replace(/[\s'"\\]/g, '\\$&')
}
