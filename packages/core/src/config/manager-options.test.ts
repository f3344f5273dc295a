import { InvalidOptionError } from '../errors.js'
import { checkManagerOptions, optionNames, type PackageOptions } from './manager-options.js'

const FILES: PackageOptions = {
  package: '@example/files',
  own: ['filename'],
  without: { failover: 'left out: a file has nothing to fail over to' },
  foreign: { path: { ours: 'filename' } },
}

function refusalOf(options: object): InvalidOptionError {
  try {
    checkManagerOptions(options, FILES)
  } catch (error) {
    if (error instanceof InvalidOptionError) return error
  }
  throw new Error('expected an InvalidOptionError')
}

describe('options of a package’s managers', () => {
  test('are those of every manager that make sense, and its own', () => {
    const names = optionNames(FILES)
    expect(names).toEqual(expect.arrayContaining(['poolSize', 'filename']))
    expect(names).not.toContain('failover')
    checkManagerOptions({ poolSize: 1, filename: 'a.db' }, FILES)
  })

  test('are not a manager, whose second copy is named', () => {
    expect(refusalOf({ acquire: () => {} })).toMatchObject({
      option: 'options',
      message: expect.stringMatching(/another copy of @example\/files; .*"npm ls @example\/files"/),
    })
  })

  test('that make no sense are refused with the reason, even if their value is undefined', () => {
    expect(refusalOf({ failover: { failoverTimeoutMs: 1 } })).toMatchObject({
      option: 'failover',
      message: expect.stringContaining('a file has nothing to fail over to'),
    })
    expect(refusalOf({ failover: undefined }).option).toBe('failover')
  })

  test('of other libraries are translated, those of the package first', () => {
    expect(refusalOf({ path: 'a.db' }).message).toContain('here it is "filename"')
    expect(refusalOf({ max: 3 }).message).toContain('here it is "poolSize": poolSize: 3')
  })

  test('that no code reads are refused with the nearest name', () => {
    expect(refusalOf({ filname: 'a.db' }).message).toContain('did you mean "filename"?')
  })
})
