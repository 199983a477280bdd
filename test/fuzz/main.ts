import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { mutant } from '../faults/mutant.js'
import { Random } from '../faults/random.js'
import { CONTROLS } from './controls.js'
import { caseOf, type Case } from './mutate.js'
import { report, type Outcome } from './report.js'
import { kindOf, replay, round, type Finding, type Tally } from './round.js'

const USAGE = `npm run test:fuzz -- [--minutes N] [--seed N] [--report FILE] [--case N]
  --minutes  how long spoiled requests are sent (3)
  --seed     the same cases again (their moments are the machine's)
  --report   where what was found goes beside standard output
  --case     sends one case, by the number that the report gives it`

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string' },
    report: { type: 'string' },
    case: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
/** Milliseconds of one round, on one server; then it is looked at what is left. */
const ROUND = 45_000
/** Milliseconds in which a control has to be found out. */
const CONTROL = 60_000
/** Findings of one kind that are made smaller, and kinds. */
const MOST_KINDS = 5

if (flags.help) {
  console.log(USAGE)
  process.exit(0)
}
if (flags.case !== undefined) {
  const found = await replay(caseOf(new Random(Number(flags.case))))
  console.log(found.length > 0 ? found.join('\n') : 'nothing is wrong')
  process.exit(found.length > 0 ? 1 : 0)
}

const seed = flags.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(flags.seed)
const random = new Random(seed)
const begun = performance.now()
const tally = await strike(Number(flags.minutes) * 60_000)
const seconds = (performance.now() - begun) / 1000
await makeSmaller(tally.findings)
const controls = await findOut()
const outcome: Outcome = { tally, controls, seed, seconds }
const text = report(outcome)
if (flags.report !== undefined) {
  await mkdir(dirname(flags.report), { recursive: true })
  await writeFile(flags.report, text)
}
console.log(`\n${text}`)
process.exit(tally.findings.length === 0 && controls.every(({ found }) => found !== undefined) ? 0 : 1)

async function strike(milliseconds: number): Promise<Tally> {
  const sum: Tally = { cases: 0, statuses: new Map(), controls: 0, memory: 0, findings: [] }
  const until = performance.now() + milliseconds
  while (performance.now() < until) {
    const left = Math.max(1000, until - performance.now())
    const one = await round(random.fork(), Math.min(ROUND, left))
    sum.cases += one.cases
    sum.controls += one.controls
    sum.memory = Math.max(sum.memory, one.memory)
    sum.findings.push(...one.findings)
    for (const [status, count] of one.statuses)
      sum.statuses.set(status, (sum.statuses.get(status) ?? 0) + count)
    console.log(`${sum.cases} cases, ${sum.controls} honest uploads, ${sum.findings.length} findings`)
    for (const { what } of one.findings.slice(0, 10)) console.log(`  ${what}`)
  }
  return sum
}

/** Looks which of the last cases did it, and with how few of its mutations: what is kept is the smallest that does. */
async function makeSmaller(findings: Finding[]): Promise<void> {
  const kinds = new Set<string>()
  for (const finding of findings) {
    if (kinds.has(kindOf(finding)) || kinds.size >= MOST_KINDS) continue
    kinds.add(kindOf(finding))
    const smallest = await smallestOf(finding)
    if (smallest) finding.cases = [smallest]
  }
}

async function smallestOf(finding: Finding): Promise<Case | undefined> {
  for (const sent of finding.cases.toReversed()) {
    if (!(await shows(sent, finding))) continue
    let smallest = sent
    for (let index = 0; index < smallest.requests.length;) {
      const shorter = { ...smallest, requests: smallest.requests.toSpliced(index, 1) }
      if (smallest.requests.length > 1 && (await shows(shorter, finding))) smallest = shorter
      else index += 1
    }
    return smallest
  }
  return undefined
}

async function shows(sent: Case, finding: Finding): Promise<boolean> {
  const found = await replay(sent)
  return found.some((what) => kindOf({ what, cases: [], log: [] }).endsWith(kindOf(finding).slice(-60)))
}

/** A server that is broken on purpose has to be found out. */
async function findOut(): Promise<Outcome['controls']> {
  const controls: Outcome['controls'] = []
  for (const { title, breaks } of CONTROLS) {
    const server = await mutant(breaks)
    try {
      const { command } = server
      const { findings, cases } = await round(random.fork(), CONTROL, { command, untilFound: true })
      const found = findings[0]?.what.slice(0, 100)
      console.log(`${title}: ${found === undefined ? 'NOT FOUND OUT' : `found out after ${cases} cases`}`)
      controls.push({ title, found, cases })
    } finally {
      await server.remove()
    }
  }
  return controls
}
