import { redactUrl } from './redact-url.js'

describe('redactUrl', () => {
  test.each([
    ['postgres://u:p@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:p@p@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:p/w@h/d', 'postgres://u:***@h/d'],
    ['postgres://h/d?user=u&password=p', 'postgres://h/d?user=u&password=***'],
    ['postgres://u@h/d', 'postgres://u@h/d'],
    ['u:p@h', 'u:***@h'],
    ['h:5432/d', 'h:5432/d'],
    ['host=h password=p', 'host=h password=***'],
    ['hunter2', '***'],
    ['postgres:hunter2', '***'],
  ])('%s becomes %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })
})
