import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CollectWish, collect } from '#cli/collect/collect.js'
import { Filter } from '#cli/collect/filter.js'
import type { Found } from '#cli/collect/found.js'
import { Manifest } from '#cli/collect/manifest.js'
import type { Md5 } from '#src/contract.js'

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'ferry-collect-')))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('collect', () => {
  it('takes a folder with all that is in it, in sorted order, under its own name', async () => {
    make('d/b', 'd/a/z', 'd/a.txt', 'd/B', 'd/ä/1', 'd/a/y/x')
    expect(await relatives(['d'])).toEqual(['d/B', 'd/a/y/x', 'd/a/z', 'd/a.txt', 'd/b', 'd/ä/1'])
    expect(await relatives(['d/a/', join(folder, 'd/ä')])).toEqual(['a/y/x', 'a/z', 'ä/1'])
    expect(await relatives(['.'], { from: join(folder, 'd/a') })).toEqual(['a/y/x', 'a/z'])
  })

  it('tells where a file is, how to call it and how big it is', async () => {
    make('d/e/f')
    writeFileSync(join(folder, 'd/e/f'), 'seven b')
    const path = join(folder, 'd/e/f')
    expect(await found(['d'])).toEqual([
      { kind: 'file', path, shownAs: join('d', 'e', 'f'), relative: 'd/e/f', size: 7 },
    ])
    expect(await found(['d/e/f', 'd/../d/e/f'])).toMatchObject([{ path, relative: 'd/e/f' }])
    expect(await found([path])).toMatchObject([{ path, shownAs: path, relative: 'f' }])
  })

  it('takes hidden files only when told to, or when they are named', async () => {
    make('d/.x', 'd/.git/y', 'd/z')
    expect(await relatives(['d'])).toEqual(['d/z'])
    expect(await relatives(['d'], { hidden: true })).toEqual(['d/.git/y', 'd/.x', 'd/z'])
    expect(await relatives(['d/.x', 'd/.git'])).toEqual(['d/.x', '.git/y'])
  })

  it('skips what is too large in a folder, and says so; not what is named', async () => {
    make('d/a')
    writeFileSync(join(folder, 'd/b'), 'bbb')
    writeFileSync(join(folder, 'd/c'), 'cccc')
    expect(await summary(['d', 'd/c'], { maxSize: 3 })).toEqual(['d/a', 'd/b', 'too-large d/c', 'd/c'])
  })

  it('reports a missing one and goes on with the others', async () => {
    make('a', 'b')
    expect(await summary(['a', 'no', '', 'a/', 'b'])).toEqual([
      'a',
      'file-missing no',
      'file-missing ',
      'file-missing a/',
      'b',
    ])
  })

  it('goes on after a folder that cannot be read', async () => {
    make('d/a/x', 'd/b/x', 'd/c/x')
    const found: string[] = []
    for await (const each of collect(['d'], { from: folder })) {
      found.push(line(each))
      // Gone between its being seen and its being read; root may read every folder that is there.
      if (found.length === 1) rmSync(join(folder, 'd/b'), { recursive: true })
    }
    expect(found).toEqual(['d/a/x', 'file-missing d/b', 'd/c/x'])
  })

  it.skipIf(process.getuid?.() === 0)('goes on after a folder that may not be read', async () => {
    make('d/a/x', 'd/b/x')
    chmodSync(join(folder, 'd/a'), 0)
    expect(await summary(['d'])).toEqual(['file-unreadable d/a', 'd/b/x'])
    chmodSync(join(folder, 'd/a'), 0o700)
  })

  it.skipIf(process.platform === 'win32')('skips pipes, and refuses one that is named', async () => {
    make('d/a')
    execFileSync('mkfifo', [join(folder, 'd/p')])
    expect(await summary(['d', 'd/p'])).toEqual(['d/a', 'not-a-file d/p', 'not-a-file! d/p'])
  })
})

describe('collect, of what is named twice,', () => {
  it.each([
    ['a file', ['d/a', './d/a', 'd/../d/a']],
    ['a file by a link to its folder', ['d/a', 'link/a']],
    ['a file before its folder', ['d/a', 'd/s/c', 'd']],
    ['a file after its folder', ['d', 'd/a', 'd/s/c']],
    ['a folder', ['d', 'd/', './d', 'link']],
    ['a folder before the one that holds it', ['d/s', 'd']],
    ['a folder after the one that holds it', ['d', 'd/s', '.']],
    ['a glob and a file', ['d/*', 'd/a', '*']],
  ])('takes once: %s', async (_what, named) => {
    make('d/a', 'd/b', 'd/s/c', 'd/s/e/f')
    symlinkSync(join(folder, 'd'), join(folder, 'link'))
    const all = (await found(named)).flatMap((each) => (each.kind === 'file' ? [each.path] : []))
    expect(all).toEqual([...new Set(all)])
    expect(all.length).toBe(named.every((name) => name.endsWith('/a')) ? 1 : 4)
  })

  it('takes what the first walk left out and the second name means', async () => {
    make('d/.h/x', 'd/t.tmp', 'd/k')
    symlinkSync('k', join(folder, 'd/l'))
    expect(await summary(['d', 'd/.h', 'd/t.tmp', 'd/l', 'd/k'], { exclude: ['*.tmp'] })).toEqual([
      'd/k',
      'link d/l',
      '.h/x',
      'd/t.tmp',
      'd/l',
    ])
    expect(await relatives(['d', 'd/t.tmp'], { include: ['k'] })).toEqual(['d/k', 'd/t.tmp'])
  })

  it('takes two names of one content, as they are two files', async () => {
    make('d/a')
    execFileSync('ln', [join(folder, 'd/a'), join(folder, 'd/b')])
    expect(await relatives(['d'])).toEqual(['d/a', 'd/b'])
  })
})

describe('collect and links', () => {
  beforeEach(async () => {
    make('d/a', 'e/x/y')
    await symlink('a', join(folder, 'd/f'))
    await symlink(join('..', 'e'), join(folder, 'd/g'))
    await symlink('nowhere', join(folder, 'd/h'))
  })

  it('skips them, and says so', async () => {
    expect(await summary(['d'])).toEqual(['d/a', 'link d/f', 'link d/g', 'link d/h'])
  })

  it('follows them when told to, and reports those that lead nowhere', async () => {
    expect(await summary(['d'], { links: 'follow' })).toEqual(['d/a', 'd/f', 'd/g/x/y', 'file-missing d/h'])
  })

  it('follows the ones that are named', async () => {
    expect(await summary(['d/f', 'd/g', 'd/h'])).toEqual(['d/f', 'g/x/y', 'file-missing d/h'])
  })

  it.each([
    ['itself', '.'],
    ['a folder above', '../../d'],
    ['a folder above, the long way', '../x/../../e/../d'],
  ])('ends with one that leads to %s', async (_what, to) => {
    make('d/s/b')
    symlinkSync(to.replace('x', 's'), join(folder, 'd/s/loop'))
    rmSync(join(folder, 'd/h'))
    const all = await summary(['d'], { links: 'follow' })
    expect(all.filter((each) => /^loop d.*\/loop$/.test(each))).toHaveLength(1)
    expect(all.length).toBeLessThan(8)
  })

  it('ends where many folders link to each other', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `n/${index}`)
    make(...names.map((name) => `${name}/file`))
    for (const name of names) {
      for (const other of names) symlinkSync(join(folder, other), join(folder, name, `to-${other.slice(2)}`))
    }
    const files = (await found(['n'], { links: 'follow' })).filter(({ kind }) => kind === 'file')
    expect(files.length).toBeGreaterThanOrEqual(12)
    expect(files.length).toBeLessThanOrEqual(24)
  })

  it('ends with one that leads to itself', async () => {
    symlinkSync('l', join(folder, 'e/l'))
    expect(await summary(['e'], { links: 'follow' })).toEqual(['file-unreadable e/l', 'e/x/y'])
  })

  it('excludes by a pattern for folders what is a link to one', async () => {
    expect(await relatives(['d'], { links: 'follow', exclude: ['g/', 'h'] })).toEqual(['d/a', 'd/f'])
  })
})

describe('collect and hostile names', () => {
  it.skipIf(process.platform === 'win32')('takes any name that is UTF-8', async () => {
    const names = [
      'd/a\nb',
      'd/"q", \'r\'',
      'd/ [x]*?{a,b}',
      'd/-rf',
      'd/\\n',
      'd/\u{1F600}',
      'd/\u202Egpj.exe',
    ]
    make(...names)
    expect((await relatives(['d'])).sort()).toEqual(names.sort())
    for (const name of names) expect(await relatives([name])).toEqual([name])
  })

  it.runIf(process.platform === 'linux')('reports names that are not UTF-8, and goes on', async () => {
    make('d/a', 'd/z', 'd/x\uFFFDy')
    const bad = (name: string) => Buffer.concat([Buffer.from(`${folder}/d/${name}`), Buffer.from([0xff])])
    writeFileSync(Buffer.concat([bad('x'), Buffer.from('y')]), 'evil twin')
    writeFileSync(bad('f'), '')
    mkdirSync(bad('s'))
    writeFileSync(Buffer.concat([bad('s'), Buffer.from('/inside')]), '')
    expect(await summary(['d'])).toEqual([
      'd/a',
      'file-unreadable d/f\uFFFD',
      'file-unreadable d/s\uFFFD',
      'd/x\uFFFDy',
      'file-unreadable d/x\uFFFDy',
      'd/z',
    ])
    expect(await summary(['d/f\uFFFD'])).toEqual(['file-unreadable d/f\uFFFD'])
  })

  it('walks folders far deeper than a path may be long', async () => {
    make('d/z')
    const deep = `cd '${folder}/d'; for i in $(seq 60); do mkdir ${'x'.repeat(100)}; cd ${'x'.repeat(100)}; done`
    execFileSync('bash', ['-c', `${deep} 2>/dev/null`])
    const all = await summary(['d'])
    expect(all.at(-1)).toBe('d/z')
    expect(all).toHaveLength(2)
    expect(all[0]).toMatch(/^file-unreadable/)
    execFileSync('rm', ['-rf', join(folder, 'd')])
  })
})

describe('collect and globs', () => {
  beforeEach(() =>
    make('a.mp4', 'b.mp4', '.c.mp4', 's/d.mp4', 's/t/e.mp4', 's/t/f.txt', 'g[1].mp4', 'u/.v/w.mp4'),
  )

  it.each([
    ['*.mp4', ['a.mp4', 'b.mp4', 'g[1].mp4']],
    ['.*.mp4', ['.c.mp4']],
    ['[ab].mp4', ['a.mp4', 'b.mp4']],
    ['{a,s/,z}.mp4', ['file-missing {a,s/,z}.mp4']],
    ['{a,b}.mp4', ['a.mp4', 'b.mp4']],
    ['?.mp4', ['a.mp4', 'b.mp4']],
    ['s/*', ['s/d.mp4', 't/e.mp4', 't/f.txt']],
    ['*/*.mp4', ['s/d.mp4']],
    ['**/*.mp4', ['a.mp4', 'b.mp4', 'g[1].mp4', 's/d.mp4', 's/t/e.mp4']],
    ['s/**/e.mp4', ['s/t/e.mp4']],
    ['s/**', ['s/d.mp4', 's/t/e.mp4', 's/t/f.txt']],
    ['./s/../s/t/*.txt', ['s/t/f.txt']],
    ['g[1].mp4', ['g[1].mp4']],
    ['g\\[*', ['g[1].mp4']],
    ['*.no', ['file-missing *.no']],
    ['no/*.mp4', ['file-missing no/*.mp4']],
  ])('takes %s for %j', async (glob, files) => {
    expect(await summary([glob])).toEqual(files)
  })

  it('takes absolute ones', async () => {
    expect(await summary([join(folder, 's', '*.mp4')])).toEqual(['d.mp4'])
  })

  it('lets wildcards mean hidden files when told to', async () => {
    expect(await relatives(['*.mp4'], { hidden: true })).toEqual(['.c.mp4', 'a.mp4', 'b.mp4', 'g[1].mp4'])
    expect(await relatives(['u/**/w.mp4'], { hidden: true })).toEqual(['u/.v/w.mp4'])
  })
})

describe('Filter', () => {
  const tree = [
    'a.md',
    'a.tmp',
    'build/x',
    'docs/a.md',
    'docs/en/b.md',
    'docs/build/y',
    '.h.tmp',
    '!c',
    'A.TMP',
    'q/{w}',
  ]
  it.each([
    [
      { exclude: ['*.tmp'] },
      ['a.md', 'build/x', 'docs/a.md', 'docs/en/b.md', 'docs/build/y', '!c', 'A.TMP', 'q/{w}'],
    ],
    [{ include: ['*.md'] }, ['a.md', 'docs/a.md', 'docs/en/b.md']],
    [{ include: ['/*.md'] }, ['a.md']],
    [{ include: ['docs/*.md'] }, ['docs/a.md']],
    [{ include: ['docs/**/*.md'] }, ['docs/a.md', 'docs/en/b.md']],
    [{ include: ['docs'] }, ['docs/a.md', 'docs/en/b.md', 'docs/build/y']],
    [{ include: ['docs/**'] }, ['docs/a.md', 'docs/en/b.md', 'docs/build/y']],
    [{ include: ['build/'] }, ['build/x', 'docs/build/y']],
    [{ include: ['/build'] }, ['build/x']],
    [{ include: ['x/'] }, []],
    [{ include: ['docs'], exclude: ['en'] }, ['docs/a.md', 'docs/build/y']],
    [{ include: ['*.md', '*.tmp'], exclude: ['a.*'] }, ['docs/en/b.md', '.h.tmp']],
    [{ include: ['!c', '\\{w\\}', 'q/\\{w}'] }, ['!c', 'q/{w}']],
    [{ include: ['a.{md,tmp}'] }, ['a.md', 'a.tmp', 'docs/a.md']],
    [{ include: ['[ab].md'], exclude: ['[!a].md'] }, ['a.md', 'docs/a.md']],
    [{ exclude: ['(x)', 'x|y', 'a+', ''] }, tree],
    [{ exclude: ['**'] }, []],
    [{ exclude: ['*'] }, []],
  ])('with %j takes %j', async (patterns, taken) => {
    make(...tree.map((path) => `d/${path}`))
    const files = await relatives(['d'], { ...patterns, hidden: true })
    expect(files.toSorted()).toEqual(taken.map((path) => `d/${path}`).toSorted())
    const filter = new Filter({ include: [], exclude: [], ...patterns })
    expect(tree.filter((path) => filter.takes(path, false))).toEqual(
      tree.filter((path) => taken.includes(path)),
    )
  })

  it('does not go into folders that it excludes', async () => {
    make('d/no/x', 'd/yes/x')
    const walked = collect(['d'], { from: folder, exclude: ['no'] })
    execFileSync('rm', ['-rf', join(folder, 'd/no')])
    symlinkSync('no', join(folder, 'd/no'))
    const all: string[] = []
    for await (const each of walked) all.push(line(each))
    expect(all).toEqual(['d/yes/x'])
  })
})

describe('Manifest', () => {
  const row = {
    path: 'd/a',
    size: 3,
    md5: 'd41d8cd98f00b204e9800998ecf8427e' as Md5,
    url: 'http://s/files/x.mp4',
  }
  const head = 'path,size,md5,url\r\n'
  const file = () => join(folder, 'out.csv')

  it('is a CSV by RFC 4180, whatever the names are', async () => {
    const manifest = await Manifest.open(file())
    const names = ['a', 'a,b', '"q"', 'n\nl', ' s', '中文 x']
    await Promise.all(names.map((path) => manifest.add({ ...row, path })))
    await manifest.finish()
    const rest = `,3,${row.md5},${row.url}\r\n`
    const quoted = ['a', '"a,b"', '"""q"""', '"n\nl"', '" s"', '中文 x']
    expect(await readFile(file(), 'utf8')).toBe(head + quoted.map((name) => name + rest).join(''))
    expect(await readdir(folder)).toEqual(['out.csv'])
  })

  it('leaves the older one in place until it is finished, and its rows where a kill would leave them', async () => {
    await writeFile(file(), 'older')
    const manifest = await Manifest.open(file())
    await manifest.add(row)
    expect(await readFile(file(), 'utf8')).toBe('older')
    const draft = (await readdir(folder)).find((name) => name.endsWith('.part'))!
    expect(await readFile(join(folder, draft), 'utf8')).toBe(`${head}d/a,3,${row.md5},${row.url}\r\n`)
    await manifest.finish()
    expect(await readFile(file(), 'utf8')).toMatch(/^path.*\r\nd\/a,/)
  })

  it('goes through a link to where it leads', async () => {
    make('d/real.csv')
    await symlink(join('d', 'real.csv'), file())
    const manifest = await Manifest.open(file())
    await manifest.finish()
    expect(await readFile(join(folder, 'd/real.csv'), 'utf8')).toBe(head)
  })

  it.skipIf(process.platform === 'win32')('writes to what is no file without replacing it', async () => {
    execFileSync('mkfifo', [file()])
    const reading = readFile(file(), 'utf8')
    const manifest = await Manifest.open(file())
    await manifest.add(row)
    await manifest.finish()
    expect(await reading).toMatch(/^path.*\r\nd\/a,/)
  })

  it('rejects where it cannot be written', async () => {
    await expect(Manifest.open(join(folder, 'no', 'out.csv'))).rejects.toMatchObject({ code: 'ENOENT' })
    const manifest = await Manifest.open('/dev/full').catch((error: unknown) => error)
    if (process.platform === 'linux') expect(manifest).toMatchObject({ code: 'ENOSPC' })
  })
})

function make(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), '')
  }
}

async function found(named: string[], wish: Partial<CollectWish> = {}): Promise<Found[]> {
  const all: Found[] = []
  for await (const each of collect(named, { from: folder, ...wish })) all.push(each)
  return all
}

/** Everything must be a file. */
async function relatives(named: string[], wish?: Partial<CollectWish>): Promise<string[]> {
  return (await found(named, wish)).map((each) =>
    each.kind === 'file' ? each.relative : `NOT ${line(each)}`,
  )
}

async function summary(named: string[], wish?: Partial<CollectWish>): Promise<string[]> {
  return (await found(named, wish)).map(line)
}

function line(each: Found): string {
  if (each.kind === 'file') return each.relative
  if (each.kind === 'skipped') return `${each.why} ${each.shownAs}`
  const { code, facts } = each.error
  return `${code}${code === 'not-a-file' ? '!' : ''} ${facts.subject}`
}
