import type { Case } from './mutate.js'
import { kindOf, type Finding, type Tally } from './round.js'

export interface Outcome {
  tally: Tally
  controls: { title: string; found: string | undefined; cases: number }[]
  seed: number
  seconds: number
}

/** The report of a run, in Markdown, with all that is needed to repeat what was found. */
export function report({ tally, controls, seed, seconds }: Outcome): string {
  const { cases, statuses, controls: honest, memory, findings } = tally
  const answers = [...statuses.keys()].toSorted().map((status) => `${status}: ${statuses.get(status)}`)
  const kinds = [...new Set(findings.map(kindOf))]
  const details = kinds.map((kind) => detail(findings.filter((one) => kindOf(one) === kind)))
  return `# What spoiled requests have found

Seed ${seed}: ${cases} cases in ${Math.round(seconds)} s, ${honest} files brought by an honest client meanwhile,
${Math.round(memory / 1024 ** 2)} MiB of memory at most. Answers: ${answers.join(', ')}.

${controls.map(({ title, found, cases: needed }) => `- control, ${title}: ${found === undefined ? '**not found out**' : `found out after ${needed} cases (${found})`}`).join('\n')}

${findings.length === 0 ? 'Nothing was found.' : details.join('\n')}
`
}

function detail([first, ...more]: Finding[]): string {
  const { what, cases, log } = first!
  const told = log.length > 0 ? `\n\n${log.map((line) => `    ${line}`).join('\n')}` : ''
  return `## ${what}\n\n${more.length + 1} times. ${cases.length === 1 ? 'It was sent' : `One of the last ${cases.length}, or several together`}:\n\n${cases.slice(-5).map(inFull).join('\n')}${told}`
}

/** A case, so that it can be sent again. */
function inFull({ seed, door, done, requests, pipelined, pieces, cut }: Case): string {
  const how = [
    pipelined && 'pipelined',
    pieces > 0 && `in pieces of ${pieces}`,
    cut !== undefined && `cut after ${cut}`,
  ]
  const text = requests.map((bytes) => JSON.stringify(bytes.toString('latin1').slice(0, 1500)))
  return `- \`--case ${seed}\` (${[door, ...done, ...how.filter(Boolean)].join(', ')})\n\n${text.map((line) => `      ${line}`).join('\n')}\n`
}
