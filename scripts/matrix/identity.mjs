// Run in the project of a column, with the names of packages of ours and of their peers: `import` and `require` must
// give the same names, one copy of each class, and no second copy of a peer.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [name, ...peers] = process.argv.slice(2)
const require = createRequire(join(process.cwd(), 'index.js'))
const { pathToFileURL } = require('node:url')

// A peer that exists once for each module system must not be loaded by `require` when ours is imported.
const imported = await import(await entry(`@connmgr/${name}`))
for (const peer of peers) {
  const loaded = Object.keys(require.cache).filter((file) =>
    file.includes(join('node_modules', peer, '/')),
  )
  assert.deepEqual(loaded, [], `importing @connmgr/${name} loads what require gives of ${peer}`)
}

const required = require(`@connmgr/${name}`)
const internal = ['default', 'module.exports', '__esModule']
const names = Object.keys(imported).filter((key) => !internal.includes(key))
assert.deepEqual(names.sort(), Object.keys(required).sort(), 'import and require give other names')
for (const key of names) {
  const [one, other] = [imported[key], required[key]]
  if (isErrorClass(one)) assert.equal(one, other, `the error ${key} exists twice`)
  // A package whose peer exists twice does so too, except for errors.
  else if (peers.length === 0) assert.equal(one, other, `${key} exists twice`)
}

function isErrorClass(value) {
  return typeof value === 'function' && value.prototype instanceof Error
}

/** What `import` of a package gives in the current folder, rather than in that of this file. */
async function entry(specifier) {
  const { exports } = require(`${specifier}/package.json`)
  return pathToFileURL(join(process.cwd(), 'node_modules', specifier, exports['.'].import.default))
    .href
}
