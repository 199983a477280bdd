import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientHome } from '../support/client.js'
import { find, missing } from '../support/tools.js'

describe('completion', () => {
  let home: ClientHome
  beforeAll(async () => {
    home = await ClientHome.create()
    await writeFile(home.path('film one.mp4'), '')
    await writeFile(home.path('film2.mp4'), '')
    await mkdir(home.path('films'))
  })
  afterAll(() => home.remove())

  async function script(shell: string): Promise<string> {
    const { code, stdout, stderr } = await home.run(['completion', shell], { FERRY_LANG: 'en' })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return home.write(`completion.${shell}`, stdout)
  }

  describe('in bash', () => {
    /** What bash offers for the last of the words. */
    async function offered(...words: string[]): Promise<string[]> {
      const path = await script('bash')
      const list = words.map((word) => `'${word}'`).join(' ')
      const program = `source '${path}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _ferry; printf '%s\\n' "\${COMPREPLY[@]}"`
      const text = execFileSync('bash', ['--norc', '-c', program], { cwd: home.dir, encoding: 'utf8' })
      return text.split('\n').filter(Boolean)
    }

    it('offers the commands', async () => {
      expect(await offered('ferry', '')).toEqual(
        expect.arrayContaining(['upload', 'get', 'check', 'link', 'login', 'doctor', 'completion', 'help']),
      )
      expect(await offered('ferry', 'do')).toEqual(['doctor'])
      expect(await offered('ferry', 'help', 'up')).toEqual(['upload'])
      expect(await offered('ferry', 'completion', '')).toEqual(
        expect.arrayContaining(['bash', 'zsh', 'fish']),
      )
    })

    it("offers a command's options, and no other's", async () => {
      expect(await offered('ferry', 'upload', '--con')).toEqual(['--concurrency', '--connections'])
      expect(await offered('ferry', 'get', '--con')).toEqual(['--connections'])
      expect(await offered('ferry', 'check', '--con')).toEqual([])
      expect(await offered('ferry', 'check', '--he')).toEqual(['--help'])
    })

    it('offers files where files are meant, with the spaces in their names, and nowhere else', async () => {
      expect((await offered('ferry', 'upload', 'film')).toSorted()).toEqual([
        'film one.mp4',
        'film2.mp4',
        'films',
      ])
      expect((await offered('ferry', 'upload', 'a', '--ca', 'film')).length).toBe(3)
      expect((await offered('ferry', 'get', 'a', '-o', 'film')).length).toBe(3)
      expect((await offered('ferry', '-file', 'film')).length).toBe(3)
      expect(await offered('ferry', 'get', 'film')).toEqual([])
      expect(await offered('ferry', 'upload', '--server', 'film')).toEqual([])
      expect(await offered('ferry', 'upload', '--limit-rate', '')).toEqual([])
    })
  })

  it.skipIf(!find('zsh'))(`is understood by zsh${missing('zsh')}`, async () => {
    const path = await script('zsh')
    const program = `autoload -U compinit; compinit -u -d '${home.path('dump')}'; source '${path}'; echo $_comps[ferry]`
    expect(execFileSync('zsh', ['-f', '-c', program], { encoding: 'utf8' }).trim()).toBe('_ferry')
    execFileSync('zsh', ['-n', path])
  })

  it.skipIf(!find('fish'))(`is understood by fish${missing('fish')}`, async () => {
    const path = await script('fish')
    const program = `source '${path}'; complete -C 'ferry upload --con'; complete -C 'ferry do'`
    const text = execFileSync('fish', ['--no-config', '-c', program], {
      encoding: 'utf8',
      cwd: home.dir,
      env: { ...process.env, HOME: join(home.dir) },
    })
    expect(text).toMatch(/^--concurrency\t/)
    expect(text).toMatch(/^doctor\t/m)
  })
})
