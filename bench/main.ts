import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { GIB, openBench, type Scene } from './harness/bench.js'
import { chart } from './harness/chart.js'
import type { Contest } from './harness/contest.js'
import { judge, report } from './harness/report.js'
import { again } from './scenes/again.js'
import { check } from './scenes/check.js'
import { cold } from './scenes/cold.js'
import { cpu } from './scenes/cpu.js'
import { finish } from './scenes/finish.js'
import { get } from './scenes/get.js'
import { grow } from './scenes/grow.js'
import { line } from './scenes/line.js'
import { many } from './scenes/many.js'
import { memory } from './scenes/memory.js'
import { small } from './scenes/small.js'
import { copypartyVersion } from './systems/copyparty.js'
import { nginxVersion } from './systems/nginx.js'
import { tusdVersion } from './systems/tusd.js'

const SCENES: Scene[] = [cold, cpu, finish, again, small, check, many, get, grow, memory, line]
const USAGE = `npm run bench -- [SCENE…] [--quick] [--grid] [--rounds N] [--results FOLDER]
  Without a scene: all but line.
  --quick    smaller files and three rounds; under five minutes
  --grid     line over short, long, clean, bad, slow and fast ones: many hours
  --rounds   how often each contestant runs (5)
  --results  where the figures go as JSON and as a picture (bench/results)
${SCENES.map(({ name, what }) => `  ${name.padEnd(8)} ${what}`).join('\n')}`

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    grid: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    results: { type: 'string', default: join(import.meta.dirname, 'results') },
    help: { type: 'boolean', default: false },
  },
})
const chosen = SCENES.filter(({ name, isSpecial }) =>
  positionals.length === 0 ? !isSpecial : positionals.includes(name),
)
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 5))
const isWrong = positionals.some((name) => !SCENES.some((scene) => scene.name === name)) || !(rounds >= 1)
if (flags.help || isWrong) {
  console.log(USAGE)
  process.exit(flags.help ? 0 : 2)
}

const { memory: inMemory, disk, close } = await openBench(flags.quick ? 3 * GIB : 12 * GIB)
const contests: Contest[] = []
try {
  for (const scene of chosen)
    contests.push(
      ...(await scene.run({ rounds, isQuick: flags.quick, isGrid: flags.grid, memory: inMemory, disk })),
    )
} finally {
  await close()
}

const date = new Date().toISOString().slice(0, 16).replace(':', '')
const results = { date, machine: machine(), isQuick: flags.quick, contests }
await mkdir(flags.results, { recursive: true })
await writeFile(join(flags.results, `${date}.json`), `${JSON.stringify(results, undefined, 1)}\n`)
await writeFile(join(flags.results, `${date}.svg`), chart(contests))
console.log(report(contests, machine()))
const judged = contests.flatMap((contest) => contest.bars.map((bar) => judge(bar, contest).isMet))
console.log(
  `${judged.filter((isMet) => isMet === true).length} bars met, ${judged.filter((isMet) => isMet === false).length} missed.`,
)

function machine(): string {
  const { model } = cpus()[0]!
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname })
    .toString()
    .trim()
  const others = Object.entries({ copyparty: copypartyVersion(), tusd: tusdVersion(), nginx: nginxVersion() })
  const versions = others.map(([name, version]) => `${name} ${version ?? 'absent'}`).join(', ')
  return `Ferry ${commit}, Node ${process.version}, ${versions}; ${cpus().length} × ${model}, ${(totalmem() / GIB).toFixed(0)} GiB, ${process.platform}.`
}
