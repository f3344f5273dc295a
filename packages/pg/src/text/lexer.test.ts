import { Lexer } from './lexer.js'

/** The tokens of a text, words and marks as they are, others by their kind. */
function tokensOf(text: string): string[] {
  const lexer = new Lexer(text)
  const tokens: string[] = []
  for (;;) {
    const kind = lexer.next()
    if (kind === 'end') return tokens
    tokens.push(kind === 'name' ? `"${lexer.value}"` : lexer.value || `<${kind}>`)
    if (kind === 'unclear') return tokens
  }
}

describe('a text is read as PostgreSQL does', () => {
  test.each([
    ['SELECT a . b', 'select a . b'],
    ['a.b /* c */ . -- d\n e (', 'a . b . e ('],
    ['/* a /* b */ c */ d', 'd'],
    ['a--b\rc', 'a c'],
    ["'it''s' a", '<string> a'],
    [String.raw`E'\'' a`, '<string> a'],
    [String.raw`e'\\' a`, '<string> a'],
    [String.raw`E'\'''' a`, '<string> a'],
    [String.raw`'\d+' a`, '<string> a'],
    [String.raw`'\\' a`, '<string> a'],
    ["U&'\\0061' a", '<string> a'],
    ["b'01' x'ff' n'a' a", '<string> <string> <string> a'],
    ["typ'a'", 'typ <string>'],
    ['$$a$$ b', '<string> b'],
    ['$a$ $b$a$ c', '<string> c'],
    ["$a$ ' $$ -- $A$ $a$ c", '<string> c'],
    ['a$b$c d$$', 'a$b$c d$$'],
    ['$1$$a$$', '<parameter> <string>'],
    ['"A""b" "c d"', '"A"b" "c d"'],
    ['"a"."b"(', '"a" . "b" ('],
    ['ä ñ"Ä"', 'ä ñ "Ä"'],
    ['a=-1', 'a = - <number>'],
    ['a<=-1', 'a <= - <number>'],
    ['a=+-+b', 'a = + - + b'],
    ['a@-b', 'a @- b'],
    ['a-@b', 'a -@ b'],
    ['a*/*b*/c', 'a * c'],
    ['a---b', 'a'],
    ['a+--b\n+c', 'a + + c'],
    ["a->>'b' != c", 'a ->> <string> <> c'],
    ['1.5e-10 .5 1. 1..2', '<number> <number> <number> <number> . <number>'],
    ['a::int[1:2]', 'a :: int [ <number> : <number> ]'],
    ['a:=b', 'a := b'],
  ])('%s', (text, tokens) => expect(tokensOf(text).join(' ')).toBe(tokens))
})

describe('a text is unclear', () => {
  test.each([
    ['a string that does not end', "'a"],
    ['a quoted name that does not end', '"a'],
    ['a comment that does not end', '/* /* */'],
    ['a string in dollars that does not end', '$a$ $A$'],
    ['a backslash whose meaning a setting decides', String.raw`'\''`],
    ['the same behind a string with escapes', "E'a'\n'\\' b'"],
    ['a name in escapes', String.raw`U&"\0070g_temp"`],
    ['a quoted name that is empty', '""'],
    ['a name that the server cuts off', 'a'.repeat(64)],
    ['a quoted name that it cuts off', `"${'ä'.repeat(32)}"`],
    ['an operator that it refuses', '@'.repeat(64)],
    ['a letter whose lower case the encoding decides', 'Ä'],
    ['a letter that cannot be sent', 'a\ud800'],
    ['a number with letters behind it, which is two tokens to older servers', '1from'],
    ['a number in another base', '0x1f'],
    ['a parameter with letters behind it', '$1from'],
    ['bits with a quote behind them', "b'01''1'"],
    ['a character that is none of any token', 'a \\ b'],
    ['another', 'a {'],
    ['a tag that is very long', `$${'a'.repeat(64)}$$${'a'.repeat(64)}$`],
  ])('%s', (_what, text) => expect(tokensOf(text).at(-1)).toBe('<unclear>'))
})

test('the work is in proportion to the length, whatever is repeated', () => {
  const parts = [
    ...`' " $ . , ; ( ) [ : + - * / = @ ~ # \\ a A 1 _ ä {`.split(' '),
    ...[' ', '\n', "''", '""', '$$', '$a$', '$a', '$1', '--', '/*', '*/', '*/*', '=+', '+-', '- '],
    ...[
      "e'",
      "E'\\'",
      "u&'",
      'u&"',
      "x'",
      '1e',
      '1.',
      '..',
      '::',
      'a.',
      '"a".',
      'a(',
      '1a',
      '/* ',
      `'"$`,
    ],
  ]
  const stepsOf = (text: string): number => {
    const lexer = new Lexer(text)
    for (let kind = lexer.next(); kind !== 'end' && kind !== 'unclear'; kind = lexer.next());
    return lexer.steps
  }
  for (const one of parts)
    for (const prefix of ['', 'a', '$a$', "'", '/*']) {
      const text = prefix + one.repeat(3000)
      expect({ prefix, one, steps: stepsOf(text) <= 6 * text.length + 10 }).toEqual({
        prefix,
        one,
        steps: true,
      })
    }
})
