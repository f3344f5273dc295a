import { findSourceMap } from 'node:module'
import { runInThisContext } from 'node:vm'
import { parseFrame } from './frames.js'
import {
  type CapturedStack,
  captureStack,
  describeOrigin,
  formatStack,
  noteLibraryFile,
  withCallersStack,
} from './stack.js'

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
  ['   at work (/app/a.ts:1:2)  ', { functionName: 'work', file: '/app/a.ts', line: 1, column: 2 }],
  ['atlas (/app/a.ts:1:2)', { functionName: 'atlas', file: '/app/a.ts', line: 1, column: 2 }],
  ['at work (/app/a.ts:1:2) and more', undefined],
  ['at work (/app/a.ts:1)', undefined],
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

test('an error of others keeps its text when its frames are read', () => {
  function fails() {
    return new Error('broken')
  }
  const error = fails()
  expect(describeOrigin(error)).toMatch(/^fails \(/)
  expect(error.stack).toMatch(/^Error: broken\n +at fails \(.*stack\.test\.ts:\d+:\d+\)/)
})

test('a library that was generated into a program differs from it by its file', () => {
  const filename = '/app/generated/runtime/client.js'
  const library = runInThisContext('(call) => call()', { filename }) as <T>(call: () => T) => T
  function checkout() {
    return library(acquire)
  }
  expect(describeOrigin(checkout())).toContain(filename)
  // In a bundle, its code is in a file of the program.
  library(function other() {
    noteLibraryFile(other, /[\\/]elsewhere[\\/]/)
  })
  expect(describeOrigin(checkout())).toContain(filename)
  library(function entry() {
    noteLibraryFile(entry, /[\\/]runtime[\\/][a-z]+\.js$/)
  })
  expect(describeOrigin(checkout())).toMatch(/^checkout \(/)
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

describe('where the formatting of stacks is that of Node', () => {
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

test('a stack that a program formats as something other than text is still read', () => {
  const previous = Error.prepareStackTrace
  Error.prepareStackTrace = (_error, sites) => sites
  try {
    expect(describeOrigin(acquire())).toMatch(/stack\.test\.ts:\d+:\d+\)$/)
  } finally {
    Error.prepareStackTrace = previous
  }
})

test('the path of an ES module is that of its file, not of its URL', () => {
  expect(parseFrame('at async sell (file:///srv/my%20app/shop.mjs:3:7)')?.file).toBe(
    '/srv/my app/shop.mjs',
  )
  const run = runInThisContext('(call) => call()', { filename: 'file:///srv/my%20app/shop.mjs' })
  expect(describeOrigin((run as <T>(call: () => T) => T)(acquire))).toContain(
    '(/srv/my app/shop.mjs:',
  )
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

test("a library may put its own callers' stack in the place of ours", () => {
  function checkout() {
    return captureStack(checkout)
  }
  const error = withCallersStack(() => new RangeError('too late'), checkout())
  error.stack = 'RangeError: too late\n    at caller (app.ts:1:1)'
  expect(error.stack).toBe('RangeError: too late\n    at caller (app.ts:1:1)')
  expect(Object.keys(error)).toEqual([])
})

describe('a frame', () => {
  const previous = Error.prepareStackTrace
  const sourceMap = jest.mocked(findSourceMap)
  beforeEach(() => {
    Reflect.deleteProperty(Error, 'prepareStackTrace')
  })
  afterEach(() => {
    Error.prepareStackTrace = previous
    sourceMap.mockReset()
  })

  interface Frame {
    readonly file?: string | null
    readonly functionName?: string | null
    readonly type?: string | null
    readonly isToplevel?: boolean
    readonly isConstructor?: boolean
    readonly line?: number | null
    readonly column?: number | null
  }

  /** A stack of frames that V8 might tell. */
  function captured(...frames: Frame[]): CapturedStack {
    const sites = frames.map(
      ({
        file = '/app/shop.js',
        functionName = 'sell',
        type = 'Object',
        isToplevel = false,
        isConstructor = false,
        line = 3,
        column = 7,
      }) =>
        ({
          getFileName: () => file ?? undefined,
          getFunctionName: () => functionName,
          getTypeName: () => type,
          isToplevel: () => isToplevel,
          isConstructor: () => isConstructor,
          getLineNumber: () => line,
          getColumnNumber: () => column,
        }) as never,
    )
    return {
      get stack() {
        return String(Error.prepareStackTrace?.(new Error(), sites))
      },
    }
  }

  test.each<[string, Frame]>([
    ['sell', {}],
    ['sell', { type: null }],
    ['sell', { type: 'Function' }],
    ['Shop.sell', { type: 'Shop' }],
    ['Shop.sell', { type: 'Shop', functionName: 'Shop.sell' }],
    ['Shop.Shopper', { type: 'Shop', functionName: 'Shopper' }],
    ['sell', { type: 'Shop', isToplevel: true }],
    ['Shop', { type: 'Shop', functionName: 'Shop', isConstructor: true }],
    ['<anonymous>', { functionName: null, type: 'Shop' }],
    ['<anonymous>', { functionName: '', type: 'Shop' }],
  ])('is named %s if V8 tells %j', (expected, frame) => {
    expect(formatStack(captured(frame))).toBe(`at ${expected} (/app/shop.js:3:7)`)
  })

  test('of an ES module stands in a file, not at an address', () => {
    expect(formatStack(captured({ file: 'file:///app/shop.mjs' }))).toBe(
      'at sell (/app/shop.mjs:3:7)',
    )
    expect(formatStack(captured({ file: '/app/file:///shop.mjs' }))).toBe(
      'at sell (/app/file:///shop.mjs:3:7)',
    )
  })

  test('without a place in its file stands at its beginning', () => {
    expect(formatStack(captured({ line: null, column: null }))).toBe('at sell (/app/shop.js:0:0)')
  })

  test('of Node or of a package is left out, wherever the package lies', () => {
    const stack = captured(
      { file: null },
      { file: 'node:internal/timers' },
      { file: '/app/node_modules/orm/index.js' },
      { file: 'C:\\app\\node_modules\\orm\\index.js' },
      { file: '/app/my_node_modules/own.js', functionName: 'one' },
      { file: '/app/timers-node:x.js', functionName: 'two' },
    )
    expect(formatStack(stack)).toBe(
      'at one (/app/my_node_modules/own.js:3:7)\nat two (/app/timers-node:x.js:3:7)',
    )
  })

  test('of a package is better than none, one of Node is not', () => {
    expect(describeOrigin(captured({ file: '/app/node_modules/orm/index.js' }))).toBe(
      'sell (/app/node_modules/orm/index.js:3:7)',
    )
    expect(describeOrigin(captured({ file: 'node:timers' }))).toBeUndefined()
  })

  test('without a name is called by the next one of the same file that has one', () => {
    const callback = { functionName: null }
    expect(
      describeOrigin(captured(callback, { file: '/app/other.js' }, { functionName: 'around' })),
    ).toBe('around (/app/shop.js:3:7)')
    expect(describeOrigin(captured(callback, { file: '/app/other.js' }))).toBe(
      '<anonymous> (/app/shop.js:3:7)',
    )
  })

  test('is looked up in its source map once, counted from 0 as source maps do', () => {
    const findEntry = jest.fn(() => ({
      originalSource: '/src/file://shop.ts',
      originalLine: 11,
      originalColumn: 4,
    }))
    sourceMap.mockReturnValue({ findEntry } as never)
    const stack = captured({})
    expect(describeOrigin(stack)).toBe('sell (/src/file://shop.ts:12:5)')
    expect(formatStack(stack)).toBe('at sell (/src/file://shop.ts:12:5)')
    expect(sourceMap.mock.calls).toEqual([['/app/shop.js']])
    expect(findEntry.mock.calls).toEqual([[2, 6]])
  })

  test('whose source was never published is of a package, where the sources of its file are here', () => {
    const sources = (first: string, second: string): void => {
      sourceMap.mockReturnValue({
        findEntry: (line: number) => ({
          originalSource: line === 2 ? first : second,
          originalLine: 11,
          originalColumn: 4,
        }),
      } as never)
    }
    const inBundle = (file: string) => captured({ file }, { file, line: 9 })
    sources('/app/src/query-builder/SelectQueryBuilder.ts', __filename)
    expect(describeOrigin(inBundle('/app/dist/with-sources.js'))).toBe(`sell (${__filename}:12:5)`)
    // None of the sources is here: nothing tells them apart.
    sources('/app/src/orders.ts', '/app/src/main.ts')
    expect(describeOrigin(inBundle('/app/dist/alone.js'))).toBe('sell (/app/src/orders.ts:12:5)')
  })

  test('is placed by the program that has taken over the formatting, by the last line of its text', () => {
    Error.prepareStackTrace = (_error, sites) =>
      `Error\n    at x (/src/wrong.ts:1:1)\n    at x (/src/shop${sites.length}.ts:12:5)`
    expect(formatStack(captured({}))).toBe('at sell (/src/shop1.ts:12:5)')
    expect(sourceMap).not.toHaveBeenCalled()
  })

  test('stands where it runs if what they say names no place', () => {
    Error.prepareStackTrace = () => 'Error'
    expect(formatStack(captured({}))).toBe('at sell (/app/shop.js:3:7)')
  })
})

test('an error made for a caller costs no stack of its own, and needs none of the caller', () => {
  const before = Error.stackTraceLimit
  const error = withCallersStack(() => new RangeError('too late'), undefined)
  expect(error.stack).toBe('RangeError: too late')
  expect(Error.stackTraceLimit).toBe(before)
})

test('the stack of an error made for a caller can be replaced, as libraries do', () => {
  const error = withCallersStack(() => new Error('too late'), {})
  expect(error.stack).toBe('Error: too late\n    ')
  Object.defineProperty(error, 'stack', { value: 'longer' })
  expect(error.stack).toBe('longer')
})

test('all frames of the caller are shown under an error made for it', () => {
  function inner() {
    return acquire()
  }
  function outer() {
    return inner()
  }
  const error = withCallersStack(() => new Error('too late'), outer())
  expect(error.stack).toMatch(/^Error: too late\n {4}at inner \(.*\)\n {4}at outer \(/)
})
