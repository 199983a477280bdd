import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { makeFile } from '../../test/support/big-file.js'
import { TestServer } from '../../test/support/server.js'
import { firstLoad } from './measure.js'
import { parseSize } from '../harness/numbers.js'
import { measurePair, type Bench, type Pair } from './pair.js'
import { report } from './report.js'
import { Site } from './site.js'

const MEMORY = '/dev/shm'
const USAGE = `npm run bench:page -- [--pairs 7] [--size 1GiB] [--files FOLDER] [--stores FOLDER] [--json FILE]
  --files    where the file to upload lies (${MEMORY} where it has room for four of them)
  --stores   where the servers keep theirs (as --files)
  --json     where every figure goes (bench/page/dist/results.json)`

const { values: flags } = parseArgs({
  options: {
    pairs: { type: 'string', default: '7' },
    size: { type: 'string', default: '1GiB' },
    files: { type: 'string' },
    stores: { type: 'string' },
    json: { type: 'string', default: join(import.meta.dirname, 'dist/results.json') },
    help: { type: 'boolean', default: false },
  },
})
if (flags.help) {
  console.log(USAGE)
  process.exit(0)
}
const [pairs, size] = [Number(flags.pairs), parseSize(flags.size)]
if (!Number.isInteger(pairs) || pairs < 1 || size === undefined) {
  console.error(USAGE)
  process.exit(2)
}
if (!existsSync(join(import.meta.dirname, 'node_modules'))) {
  console.error('The stock page has not been installed: npm ci --prefix bench/page')
  process.exit(2)
}

await promisify(execFile)('npm', ['run', 'build', '--prefix', import.meta.dirname])
const site = await Site.of(join(import.meta.dirname, 'dist'))
const folder = await mkdtemp(join(flags.files ?? (await roomFor(4 * size)), 'ferry-bench-'))
try {
  const file = join(folder, 'film.bin')
  const stores = await mkdtemp(join(flags.stores ?? folder, 'ferry-bench-'))
  const measured = await measurePairs({ site: site.url, stores, file }, pairs, size)
  const results = { size, firstLoad: await firstLoads(), pairs: measured }
  await rm(stores, { recursive: true })
  await writeFile(flags.json, `${JSON.stringify(results, undefined, 2)}\n`)
  console.log(report(results))
} finally {
  site.close()
  await rm(folder, { recursive: true })
}

async function roomFor(bytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY)
  return bavail * bsize > bytes ? MEMORY : tmpdir()
}

async function measurePairs(bench: Omit<Bench, 'md5'>, count: number, size: number): Promise<Pair[]> {
  const measured: Pair[] = []
  for (let number = 1; number <= count; number++) {
    const md5 = await makeFile(bench.file, size, `${Date.now()} ${number}`)
    const pair = await measurePair({ ...bench, md5 }, number % 2 === 1)
    console.error(`${number} of ${count}: ${JSON.stringify(pair)}`)
    measured.push(pair)
  }
  return measured
}

async function firstLoads(): Promise<{ ferry: number; uppy: number }> {
  const server = await TestServer.start()
  try {
    return { ferry: await firstLoad(server.port, '/'), uppy: await firstLoad(site.port, '/stock/') }
  } finally {
    await server.stop()
  }
}
