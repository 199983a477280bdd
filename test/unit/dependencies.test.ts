import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): unknown => JSON.parse(readFileSync(ROOT + path, 'utf8'))

interface Package {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

interface Lock {
  packages: Record<
    string,
    { version?: string; integrity?: string; resolved?: string; hasInstallScript?: boolean; dev?: boolean }
  >
}

/** The packages whose code runs while they are installed, and that docs/security.md names: each is looked at before it is added. */
const MAY_RUN = ['esbuild']
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/

describe.each(['', 'bench/page/'])('the dependencies of ./%s', (folder) => {
  const { dependencies = {}, devDependencies = {} } = read(`${folder}package.json`) as Package
  const packages = Object.entries((read(`${folder}package-lock.json`) as Lock).packages).filter(
    ([path]) => path !== '',
  )

  it('are asked for in exactly one version each', () => {
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect(version, name).toMatch(EXACT)
  })

  it('are locked, with the hash of what was looked at, and come from whatever registry the user has', () => {
    expect(packages.length).toBeGreaterThan(0)
    for (const [path, { version, integrity, resolved }] of packages) {
      expect(version, path).toMatch(EXACT)
      expect(integrity, path).toMatch(/^sha512-/)
      expect(resolved, path).toBeUndefined()
    }
  })

  it('run nothing while they are installed, but for those that the documents name', () => {
    const running = packages.filter(([, { hasInstallScript }]) => hasInstallScript)
    const names = running.map(([path]) =>
      path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    )
    for (const name of names) expect(MAY_RUN).toContain(name)
    for (const [path, { dev }] of running) expect(dev, `${path} is for development only`).toBe(true)
    for (const page of ['docs/security.md', 'docs/security.zh-CN.md'])
      for (const name of names) expect(readFileSync(ROOT + page, 'utf8')).toContain(`\`${name}\``)
  })
})
