import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { atOnce } from './at-once.mjs'
import { PUBLIC_PACKAGES, ROOT, runNpm } from './run.mjs'

const NOT_FOR_USERS =
  /\.test(-d)?\.|(^|\/)(test|generated)\/|tsbuildinfo|(^|\/)\.(env|npmrc)|\.(pem|key|log|tgz)$/
/** What only this machine knows, and keys. The literals in our own redaction are patterns, without a key's body. */
const SECRETS = [
  ROOT,
  `${homedir()}/`,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[\w+/=]{16}/,
  /_authToken=/,
]

/**
 * Packs the packages that are published into `folder`, and checks that each packs what is for users and nothing else.
 *
 * @param {string} folder
 * @param {(text: string) => void} [tell]
 * @returns {Promise<Record<string, string>>} the tarballs, by the name of the package
 */
export async function packPackages(folder, tell = () => {}) {
  const packedFiles = await atOnce(PUBLIC_PACKAGES, async (name) => {
    const output = await runNpm(['pack', '--json', '--pack-destination', folder], {
      cwd: join(ROOT, 'packages', name),
      quiet: true,
    })
    const listed = JSON.parse(output)
    const [packed] = Array.isArray(listed) ? listed : Object.values(listed)
    const files = packed.files.map((file) => file.path)
    assert(
      files.includes('README.md') && files.includes('LICENSE'),
      `@connmgr/${name} lacks its README or LICENSE`,
    )
    const strays = files.filter((file) => NOT_FOR_USERS.test(file))
    assert.deepEqual(strays, [], `@connmgr/${name} packs what is not for users`)
    checkSecrets(name, files)
    tell(`@connmgr/${name}: ${files.length} files, ${(packed.size / 1024).toFixed(1)} kB packed`)
    return [name, join(folder, packed.filename)]
  })
  return Object.fromEntries(packedFiles)
}

function checkSecrets(name, files) {
  for (const file of files) {
    const text = readFileSync(join(ROOT, 'packages', name, file), 'utf8')
    const found = SECRETS.find((secret) =>
      typeof secret === 'string' ? text.includes(secret) : secret.test(text),
    )
    assert(found === undefined, `${file} of @connmgr/${name} contains ${found}`)
  }
}
