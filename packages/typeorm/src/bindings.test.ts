import type * as Adapter from './index.js'

const MISSING = Object.assign(new Error("Cannot find module 'mysql2'\nRequire stack:\n- x"), {
  code: 'MODULE_NOT_FOUND',
})

test('a library that is missing is named with how to install it, and concerns its own database alone', () => {
  jest.isolateModules(() => {
    jest.doMock('@connmgr/mysql', () => {
      throw MISSING
    })
    const { withConnectionManager } = require('./index.js') as typeof Adapter
    expect(() => withConnectionManager({ type: 'mariadb', host: 'h' })).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'type',
        message: expect.stringMatching(
          /'mariadb'.*npm install mysql2.*Cannot find module 'mysql2'/,
        ),
        cause: MISSING,
      }),
    )
    expect(
      withConnectionManager({ type: 'better-sqlite3', database: ':memory:' }).driver,
    ).toBeDefined()
  })
})

test('a type that connmgr does not manage is refused with those that it does', () => {
  const { withConnectionManager } = require('./index.js') as typeof Adapter
  expect(() => withConnectionManager({ type: 'mssql' } as never)).toThrow(
    /'postgres', 'mysql', 'mariadb', 'better-sqlite3'.*'mssql'/,
  )
})
