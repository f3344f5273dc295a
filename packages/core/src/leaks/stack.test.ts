import { findSourceMap } from 'node:module'
import { captureStack, describeOrigin, formatStack, parseFrame, withCallersStack } from './stack.js'

jest.mock('node:module', () => ({ findSourceMap: jest.fn() }))

test.each([
  ['at work (/app/a.ts:1:2)', { functionName: 'work', file: '/app/a.ts', line: 1, column: 2 }],
  [
    'at async work (/app/a.ts:1:2)',
    { functionName: 'work', file: '/app/a.ts', line: 1, column: 2 },
  ],
  ['at /app/a.ts:10:20', { functionName: '<anonymous>', file: '/app/a.ts', line: 10, column: 20 }],
  ['at new Shop (/app/a.ts:1:2)', { functionName: 'Shop', file: '/app/a.ts', line: 1, column: 2 }],
  [
    'at Shop.sell [as buy] (file:///app/a b.ts:1:2)',
    { functionName: 'Shop.sell', file: '/app/a b.ts', line: 1, column: 2 },
  ],
  ['sell (C:\\app\\a.ts:1:2)', { functionName: 'sell', file: 'C:\\app\\a.ts', line: 1, column: 2 }],
  ['at native', undefined],
  ['', undefined],
  [undefined, undefined],
])('a frame like %s is understood', (text, expected) => {
  expect(parseFrame(text)).toEqual(expected)
})

function acquire() {
  return captureStack(acquire)
}

test('begins at the caller of the given function, and names file, line and function', () => {
  function checkout() {
    return acquire()
  }
  const captured = checkout()
  expect(describeOrigin(captured)).toMatch(/^checkout \(.*leaks[\\/]stack\.test\.ts:\d+:\d+\)$/)
  expect(formatStack(captured)).toContain('at checkout (')
  expect(formatStack(captured)).not.toContain('acquire (')
  expect(formatStack(captured)).not.toContain('node_modules')
})

test('a callback is named by the nearest function around it', () => {
  function checkout() {
    return [1].map(() => acquire())[0]
  }
  const captured = checkout()
  expect(captured && describeOrigin(captured)).toMatch(/^checkout \(/)
})

test('a method is named with its class', () => {
  class Shop {
    sell() {
      return acquire()
    }
  }
  expect(describeOrigin(new Shop().sell())).toMatch(/^Shop\.sell \(/)
})

test('leaves the process as it was', () => {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 3
  try {
    formatStack(acquire())
    expect(Error.stackTraceLimit).toBe(3)
    expect(new Error('ordinary').stack).toContain('ordinary')
  } finally {
    Error.stackTraceLimit = before
  }
})

test('reaches a caller far down, as ORMs put many frames on top', () => {
  function deep(levels: number): ReturnType<typeof acquire> {
    return levels === 0 ? acquire() : deep(levels - 1)
  }
  function farCaller() {
    return deep(30)
  }
  expect(formatStack(farCaller())).toContain('farCaller')
})

test('can be read again and again', () => {
  const captured = acquire()
  expect(formatStack(captured)).toBe(formatStack(captured))
  expect(describeOrigin(captured)).toBe(describeOrigin(captured))
})

describe('where nobody has taken over the formatting of stacks', () => {
  const previous = Error.prepareStackTrace
  const sourceMap = jest.mocked(findSourceMap)
  beforeEach(() => {
    Reflect.deleteProperty(Error, 'prepareStackTrace')
  })
  afterEach(() => {
    Error.prepareStackTrace = previous
    sourceMap.mockReset()
  })

  function checkout() {
    return acquire()
  }

  test('a frame without a source map stands where it runs', () => {
    expect(describeOrigin(checkout())).toMatch(/^checkout \(.*stack\.test\.ts:\d+:\d+\)$/)
  })

  test('a frame with a source map is named by its source, counted from 1', () => {
    sourceMap.mockReturnValue({
      findEntry: () => ({
        originalSource: 'file:///app/src/shop.ts',
        originalLine: 11,
        originalColumn: 4,
      }),
    } as never)
    expect(describeOrigin(checkout())).toBe('checkout (/app/src/shop.ts:12:5)')
  })

  test('a frame that its source map does not know stands where it runs', () => {
    sourceMap.mockReturnValue({ findEntry: () => ({}) } as never)
    expect(describeOrigin(checkout())).toMatch(/^checkout \(.*stack\.test\.ts:\d+:\d+\)$/)
  })
})

test('a stack that somebody formats as something other than text is still read', () => {
  const previous = Error.prepareStackTrace
  Error.prepareStackTrace = (_error, sites) => sites
  try {
    expect(describeOrigin(acquire())).toMatch(/stack\.test\.ts:\d+:\d+\)$/)
  } finally {
    Error.prepareStackTrace = previous
  }
})

test('without any frame there is no origin', () => {
  expect(describeOrigin({})).toBeUndefined()
  expect(formatStack({})).toBe('')
})

test('an error made for a caller shows the stack of the caller, and its own message', () => {
  function checkout() {
    return acquire()
  }
  const error = withCallersStack(() => new RangeError('too late'), checkout())
  expect(error.stack).toMatch(/^RangeError: too late\n {4}at checkout \(/)
  expect(Object.keys(error)).not.toContain('stack')
})
