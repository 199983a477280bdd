import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../support/folder.js'
import { TestServer } from '../support/server.js'
import { missing } from '../support/tools.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const UNIT = fileURLToPath(new URL('../../deploy/ferry.service', import.meta.url))
/** What systemd calls the exposure of a service: 0 is a sealed box, 10 a root shell. */
const MOST_EXPOSED = 2

describe.skipIf(missing('systemd-analyze'))(`deploy/ferry.service${missing('systemd-analyze')}`, () => {
  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })

  it('is understood by systemd without a warning', () => {
    // Where node is and where Ferry lies differs from machine to machine.
    const unit = join(testFolder(), 'ferry.service')
    writeFileSync(unit, readFileSync(UNIT, 'utf8').replace('=/usr/bin/node', `=${process.execPath}`))
    const { status, stdout, stderr } = analyze('verify', unit)
    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })

  it(`exposes the machine by ${MOST_EXPOSED.toFixed(1)} at most, by systemd's own measure`, () => {
    const { stdout, stderr } = analyze('security', '--offline=true', '--no-pager', UNIT)
    const [, level] = /Overall exposure level for ferry.service: ([0-9.]+)/.exec(stdout) ?? []
    expect(level, stderr).toBeDefined()
    expect(Number(level)).toBeLessThanOrEqual(MOST_EXPOSED)
  })
})

describe('Dockerfile', () => {
  it('copies all that the server and its page are built from', async () => {
    const dir = testFolder()
    const sent = linesOf('.dockerignore').filter((line) => line.startsWith('!'))
    for (const { sources, target } of copiedForTheBuild()) {
      for (const source of sources) {
        expect(sent, 'what Docker is sent').toContain(`!${source}`)
        const to = target.endsWith('/') ? join(dir, target, basename(source)) : join(dir, target)
        cpSync(join(ROOT, source), to, { recursive: true })
      }
    }
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
    const { status, stdout, stderr } = spawnSync('npm', ['run', 'build'], { cwd: dir, encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)

    const home = join(dir, 'home')
    mkdirSync(home)
    const server = await TestServer.start({
      dir: home,
      command: [process.execPath, join(dir, 'dist/src/main.js')],
    })
    const page = await fetch(server.url)
    await server.stop()
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<div id="page">')
  })

  /** The first stage's COPY lines. */
  const copiedForTheBuild = () => {
    const stage = linesOf('Dockerfile')
      .join('\n')
      .split(/^FROM /m)[1]!
    return [...stage.matchAll(/^COPY (.+)$/gm)].map(([, names]) => {
      const sources = names!.split(' ')
      return { target: sources.pop()!, sources }
    })
  }

  const linesOf = (name: string) => readFileSync(join(ROOT, name), 'utf8').split('\n')
})

describe('the package', () => {
  it('holds the page beside the server and the client', () => {
    const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }]
    const paths = files.map(({ path }) => path)
    const page = readFileSync(join(ROOT, 'dist/page/index.html'), 'utf8')
    const loaded = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((match) => match[1]!)
    const programs = ['dist/src/main.js', 'dist/cli/main.js']
    expect(paths).toEqual(
      expect.arrayContaining([
        ...programs,
        'dist/page/index.html',
        ...loaded.map((path) => `dist/page/${path}`),
      ]),
    )
  })
})
