import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeLock } from '#cli/lock.js'
import { identify, stateFolder } from '#cli/state.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-state-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('stateFolder', () => {
  it.each([
    ['linux', {}, '/home/u/.local/state/ferry'],
    ['linux', { XDG_STATE_HOME: '/s' }, '/s/ferry'],
    ['darwin', {}, '/home/u/Library/Application Support/ferry'],
    ['win32', { LOCALAPPDATA: '/local' }, '/local/ferry'],
    ['win32', {}, '/home/u/AppData/Local/ferry'],
    ['linux', { FERRY_STATE_DIR: '/mine', XDG_STATE_HOME: '/s' }, '/mine'],
  ])('on %s with %j is %s', (platform, env, path) => {
    expect(stateFolder(env, platform, '/home/u')).toBe(join(path))
  })
})

describe('identify', () => {
  it('gives twenty first runs at once the same id', async () => {
    const identities = await Promise.all(
      Array.from({ length: 20 }, (_, index) => identify(folder, 'http://s', `${index}`)),
    )
    expect(new Set(identities.map(({ client }) => client)).size).toBe(1)
    expect(await readdir(folder)).toEqual(['client-id', 'locks'])
  })

  it.runIf(process.platform !== 'win32')('lets nobody else read the id', async () => {
    await identify(folder, 'http://s', 'a')
    expect((await stat(join(folder, 'client-id'))).mode & 0o777).toBe(0o600)
  })

  it('replaces an id that is torn', async () => {
    await writeFile(join(folder, 'client-id'), 'abc')
    const { client } = await identify(folder, 'http://s', 'a')
    expect(client).toMatch(/^[0-9a-f]{32}$/)
    expect((await readFile(join(folder, 'client-id'), 'utf8')).trim()).toBe(client)
  })

  it('is somebody else while another process has the same content for the same server', async () => {
    const other = await otherProcess()
    const mine = await identify(folder, 'http://s', 'a')
    const [lock] = await readdir(join(folder, 'locks'))
    await writeFile(join(folder, 'locks', `${lock}`), `${other.pid} ${await birthOf(other.pid)}`)
    const second = await identify(folder, 'http://s', 'a')
    const elsewhere = await identify(folder, 'http://t', 'a')
    await other.kill()
    expect(second.client).toMatch(/^[0-9a-f]{32}$/)
    expect(second.client).not.toBe(mine.client)
    expect(elsewhere.client).toBe(mine.client)
  })

  it('works where the folder is none', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    expect((await identify(file, 'http://s', 'a')).client).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('takeLock', () => {
  const path = () => join(folder, 'lock')

  it('is free again once released', async () => {
    await (await takeLock(path()))?.release()
    expect(await takeLock(path())).toBeDefined()
  })

  it('takes over the lock of a process that is gone', async () => {
    const other = await otherProcess()
    const birth = await birthOf(other.pid)
    await other.kill()
    await writeFile(path(), `${other.pid} ${birth}`)
    expect(await takeLock(path())).toBeDefined()
    expect(await readdir(folder)).toEqual(['lock'])
  })

  it.runIf(process.platform === 'linux')(
    'sees that a living process with the same pid is another one',
    async () => {
      const other = await otherProcess()
      await writeFile(path(), `${other.pid} 1`)
      const lock = await takeLock(path())
      await other.kill()
      expect(lock).toBeDefined()
    },
  )

  it('takes a lock with its own pid for one from before its time', async () => {
    await writeFile(path(), `${process.pid} ${await birthOf(process.pid)}`)
    expect(await takeLock(path())).toBeDefined()
  })

  it('takes over the lock of a process that was killed the moment it had it', async () => {
    const script = fileURLToPath(new URL('../../../dist/cli/lock.js', import.meta.url))
    const taking = `import(${JSON.stringify(script)}).then((lock) => lock.takeLock(${JSON.stringify(path())}))`
    for (let time = 0; time < 12; time++) {
      const child = spawn(process.execPath, ['-e', `${taking}; setInterval(() => {}, 1000)`], {
        stdio: 'ignore',
      })
      while (!existsSync(path())) await new Promise((resolve) => void setImmediate(resolve))
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      const lock = await takeLock(path())
      expect(lock).toBeDefined()
      await lock!.release()
    }
  })

  it('leaves one alone that somebody is just creating, but not for ever', async () => {
    await writeFile(path(), '')
    expect(await takeLock(path())).toBeUndefined()
    const longAgo = Date.now() / 1000 - 60
    await utimes(path(), longAgo, longAgo)
    expect(await takeLock(path())).toBeDefined()
  })
})

async function otherProcess(): Promise<{ pid: number; kill: () => Promise<unknown> }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const kill = () => {
    const gone = once(child, 'exit')
    child.kill()
    return gone
  }
  return { pid: Number(child.pid), kill }
}

/** Start time in proc(5); empty where there is none. */
async function birthOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
