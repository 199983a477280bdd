import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { faults, type Bench, type Findings, type Part } from './part.js'
import { PARTS } from './parts.js'
import { Random } from './random.js'
import { report, type Outcome, type Struck } from './report.js'

const USAGE = `npm run test:faults -- [--only PART,…] [--full] [--rounds PART=N]… [--seed N] [--jobs N] [--report FILE]
  --only     some of the parts: ${PARTS.map(({ name }) => name).join(', ')}
  --full     the full sizes (hours) instead of those for continuous integration (minutes)
  --rounds   another size for one part
  --seed     repeats a run: the same files, the same choices (the moments are the machine's)
  --jobs     so many parts at a time
  --report   where the table goes beside standard output (test/faults/report.md)`

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    report: { type: 'string', default: fileURLToPath(new URL('./report.md', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
})
if (flags.help) {
  console.log(USAGE)
  process.exit(0)
}

const seed = flags.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(flags.seed)
const sizes = new Map(flags.rounds.map(readSize))
const outcomes = await runAll(chosen(flags.only), Number(flags.jobs))

const text = report(outcomes, { seed, command: process.argv.slice(2).join(' ') })
await writeFile(flags.report, text)
console.log(`\n${text}`)
process.exit(outcomes.every(isGood) ? 0 : 1)

function chosen(only: string | undefined): Part[] {
  if (only === undefined) return PARTS
  return only.split(',').map((name) => partNamed(name))
}

function partNamed(name: string): Part {
  const part = PARTS.find((candidate) => candidate.name === name)
  if (part) return part
  console.error(`no part is called "${name}"\n${USAGE}`)
  process.exit(2)
}

function readSize(text: string): [string, number] {
  const [name, rounds] = text.split('=')
  const size = Number(rounds)
  if (Number.isInteger(size) && size > 0) return [partNamed(name!).name, size]
  console.error(`--rounds wants PART=N, not "${text}"\n${USAGE}`)
  process.exit(2)
}

/** The parts in their order, so many at a time. */
async function runAll(parts: Part[], jobs: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const queue = [...parts.entries()]
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) outcomes[next[0]] = await runPart(next[1])
  }
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, work))
  return outcomes
}

/** One part and its controls. One that breaks down has shown nothing, and the others go on. */
async function runPart(part: Part): Promise<Outcome> {
  const skipped = part.trouble()
  if (skipped) {
    console.log(`${part.name}: skipped, ${skipped}`)
    return { part, state: 'skipped', reason: skipped }
  }
  const begun = performance.now()
  try {
    const struck = await strike(part)
    return { part, state: 'struck', ...struck, seconds: (performance.now() - begun) / 1000 }
  } catch (error) {
    console.error(`${part.name}: broke down`, error)
    return { part, state: 'broken', reason: error instanceof Error ? error.message : String(error) }
  }
}

async function strike(part: Part): Promise<Pick<Struck, 'findings' | 'controls'>> {
  const rounds = sizes.get(part.name) ?? (flags.full ? part.rounds.full : part.rounds.ci)
  const bench = (title: string): Bench => ({
    rounds,
    isControl: title !== '',
    random: new Random(seed),
    say: (line) => console.log(`${part.name}${title}: ${line}`),
  })
  const findings = await part.run(bench(''))
  const controls: Struck['controls'] = []
  for (const control of part.controls) {
    const { title } = control
    const found = await control.run(bench(` [${title}]`))
    console.log(
      `${part.name} [${title}]: ${faults(found) > 0 ? `found out: ${first(found)}` : 'NOT FOUND OUT'}`,
    )
    controls.push({ title, found: faults(found) })
  }
  return { findings, controls }
}

function first({ lost, wrong, stuck, left }: Findings): string | undefined {
  return [...lost, ...wrong, ...stuck, ...left][0]
}

/** Nothing lost, and every control found out. A skip is an answer only where nobody promised the machine can do it. */
function isGood(outcome: Outcome): boolean {
  if (outcome.state !== 'struck') return outcome.state === 'skipped' && !process.env['CI']
  return faults(outcome.findings) === 0 && outcome.controls.every(({ found }) => found > 0)
}
