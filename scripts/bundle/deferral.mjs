// Splits the modules of a package in two: those that are loaded with it, and those that are loaded at their first use.
// Sources know nothing of it: an `import` is written as ever. esbuild writes a use of what comes from another file as a
// property of it, `import_x.name`, and here that file is an object whose properties load deferred.js when one is read.
// A use while the package is loaded (a base class, a constant) would load it at once, which first-answers.mjs refuses.
import { join, relative } from 'node:path'
import { build } from 'esbuild'

const MAIN = './bundle.js'
const DEFERRED = './deferred.js'
/** The object whose properties load it; in a path, what stands for the object until the output is written. */
const LOADER = '$deferred'
/**
 * Jest lets a test file load nothing once it has ended, which fails another test file if a pool was left open; and after
 * `resetModules()` what is loaded belongs to another copy of the package.
 */
const LOAD_IN_JEST = 'if (process.env.JEST_WORKER_ID !== undefined) $load()'
/** Imports of the other side in an output, each with the module that they come from in its path. */
const IMPORT = /import\s*\{([^}]*)\}\s*from\s*"other:([^"]+)"/g

export class Deferral {
  #source
  #listed
  #settings

  /**
   * @param source the folder of the sources
   * @param listed modules below it, without extension, whose loading is to wait; what only they use waits with them
   * @param settings of esbuild
   */
  constructor(source, listed, settings) {
    this.#source = source
    this.#listed = new Set(listed)
    this.#settings = settings
  }

  /**
   * What esbuild is to make of a package: settings for `main` and, if anything is deferred, for `deferred`. `finish` makes
   * the file of the output of `main`, and `isDeferred` says whether a name that the package exports may have to wait.
   *
   * @param names a list by module: what the package exports
   */
  async split(names) {
    const main = await this.#read(names, (module) => this.#listed.has(module))
    if (main.uses.size === 0)
      return {
        main: { contents: moduleOf(names) },
        finish: (code) => code,
        isDeferred: () => false,
      }
    const isMain = (module) => main.modules.has(module)
    const deferred = await this.#read(main.uses, isMain)
    const deferredNames = new Set([...main.uses.values()].flat())
    const isDeferred = (name) => deferredNames.has(name)
    return {
      main: {
        contents: `${moduleOf(names, deferred.uses, isDeferred)}\n${LOAD_IN_JEST}`,
        plugins: [this.#otherSide((module) => !isMain(module), main.uses, LOADER)],
        banner: { js: LOADER_CODE },
      },
      finish: withLoader,
      isDeferred,
      deferred: {
        contents: moduleOf(new Map(), main.uses),
        plugins: [this.#otherSide(isMain, deferred.uses, MAIN)],
      },
    }
  }

  /** Which modules are on the side that has these names, and which names they use of each module of the other side. */
  async #read(names, isOther) {
    const { outputFiles, metafile } = await build({
      stdin: { contents: moduleOf(names), resolveDir: this.#source, loader: 'ts' },
      ...this.#settings,
      absWorkingDir: this.#source,
      plugins: [
        this.#resolving(isOther, (module) => ({ path: `other:${module}`, external: true })),
      ],
      format: 'esm',
      write: false,
      metafile: true,
    })
    const uses = new Map()
    for (const [, list, module] of outputFiles[0].text.matchAll(IMPORT)) {
      const used = list.split(',').map((each) => each.trim().split(/\s+as\s+/)[0])
      uses.set(module, [...new Set([...(uses.get(module) ?? []), ...used])])
    }
    const modules = Object.keys(metafile.inputs).map((file) => file.replace(/\.ts$/, ''))
    return { uses, modules: new Set(modules) }
  }

  /** Has modules of the other side consist of what they export in the file of that side. */
  #otherSide(isOther, uses, file) {
    const resolving = this.#resolving(isOther, (path) => ({ path, namespace: 'other' }))
    return {
      name: 'other-side',
      setup: (building) => {
        const all = { filter: /./, namespace: 'other' }
        building.onResolve(all, () => ({ path: file, external: true }))
        building.onLoad(all, ({ path }) => ({
          contents: uses
            .get(path)
            .map((name) => `export { ${nameIn(path, name)} as ${name} } from '${file}'`)
            .join('\n'),
        }))
        resolving.setup(building)
      },
    }
  }

  #resolving(isOther, resolved) {
    return {
      name: 'deferral',
      setup: (building) => {
        building.onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
          const module = relative(this.#source, join(resolveDir, path)).replace(/\.js$/, '')
          return isOther(module) ? { ...resolved(module), sideEffects: false } : undefined
        })
      },
    }
  }
}

/**
 * A module that exports names, and internal ones of other modules under names of their own. It sets them as properties at
 * its end: esbuild's own exports are a function for each, all of which V8 would compile at every start. Getters are inherited:
 * an object with many of its own is a hash table to V8, which then neither inlines what is called through it.
 */
function moduleOf(names, internal = new Map(), isDeferred = () => false) {
  const lines = []
  const properties = new Set()
  const getters = new Map()
  for (const [module, list] of names) {
    const fresh = list.filter((name) => !properties.has(name) && !getters.has(name))
    lines.push(`import { ${fresh.join(', ')} } from './${module}.js'`)
    for (const name of fresh)
      if (isDeferred(name)) getters.set(name, `get ${name}() { return ${name} }`)
      else properties.add(name)
  }
  for (const [module, list] of internal) {
    const renamed = list.map((name) => `${name} as ${nameIn(module, name)}`)
    lines.push(`import { ${renamed.join(', ')} } from './${module}.js'`)
    for (const name of list) properties.add(nameIn(module, name))
  }
  const inherited = getters.size === 0 ? '' : `__proto__: { ${[...getters.values()].join(', ')} }, `
  return `${lines.join('\n')}\nmodule.exports = { ${inherited}${[...properties].join(', ')} }`
}

/** Two modules may export one name. */
function nameIn(module, name) {
  return `${name}_of_${module.replaceAll(/\W/g, '_')}`
}

/** Once loaded, the file takes the place of what loads it: a use is then that of a property. */
const LOADER_CODE = `const ${LOADER}={__proto__:new Proxy({},{get:(_,name)=>$load()[name]})},$load=()=>Object.setPrototypeOf(${LOADER},require("${DEFERRED}"));`

/** In place of a file. Each is as long as what it replaces, for the source map to stay right. */
function withLoader(code) {
  return code.replaceAll(`require("${LOADER}")`, (call) => LOADER.padEnd(call.length))
}
