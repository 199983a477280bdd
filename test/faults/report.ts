import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { faults, type Findings, type Part } from './part.js'

/** A part that was run. */
export interface Struck {
  part: Part
  state: 'struck'
  findings: Findings
  controls: { title: string; found: number }[]
  seconds: number
}

/** How one part went; `reason` tells why it shows nothing. */
export type Outcome = Struck | Unstruck

interface Unstruck {
  part: Part
  state: 'skipped' | 'broken'
  reason: string
}

/** The table of one run, in Markdown, with all that is needed to repeat it. */
export function report(outcomes: Outcome[], { seed, command }: { seed: number; command: string }): string {
  return `# What was struck, and what was lost

\`npm run test:faults${command ? ` -- ${command}` : ''}\`, seed ${seed}, ${new Date().toISOString().slice(0, 10)}; ${versions()}.

| part | struck | acknowledged | lost | wrong | unfinishable | left over | seconds | controls |
|---|---|---|---|---|---|---|---|---|
${outcomes.map(row).join('\n')}

Acknowledged: offsets told by 204 or HEAD, and successes told by either door. Lost: of these, not there afterwards.
Wrong: a file on the shelf that is not what its name says. Unfinishable: an interrupted upload that a stock tus client
could not end. A control is a server broken on purpose, or a disk that lies: it must be found out.
${details(outcomes)}`
}

function row(outcome: Outcome): string {
  const { part } = outcome
  if (outcome.state !== 'struck')
    return `| ${part.title} | ${outcome.state}: ${outcome.reason} | | | | | | | |`
  const { rounds, acknowledged, lost, wrong, stuck, left } = outcome.findings
  const checks = outcome.controls.map(
    ({ title, found }) => `${title}: ${found > 0 ? 'found out' : '**not found out**'}`,
  )
  const counts = [
    acknowledged,
    lost.length,
    wrong.length,
    stuck.length,
    left.length,
    Math.round(outcome.seconds),
  ]
  return `| ${part.title} | ${rounds} ${part.unit} | ${counts.join(' | ')} | ${checks.join('; ')} |`
}

function details(outcomes: Outcome[]): string {
  return outcomes.map((outcome) => (outcome.state === 'struck' ? detail(outcome) : '')).join('')
}

function detail({ part, findings }: Struck): string {
  if (faults(findings) === 0) return ''
  const { lost, wrong, stuck, left } = findings
  const lines = [
    ...lost.map((line) => `lost: ${line}`),
    ...wrong.map((line) => `wrong: ${line}`),
    ...stuck.map((line) => `unfinishable: ${line}`),
    ...left.map((line) => `left over: ${line}`),
  ]
  return `\n## ${part.name}\n\n${lines.map((line) => `- ${line}`).join('\n')}\n`
}

function versions(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout?.trim()
  return `Ferry ${version}${commit ? ` at ${commit}` : ''}, Node ${process.version}, Linux ${release()}`
}
