import { TestServer } from '../../support/server.js'
import { audit } from '../audit.js'
import { House, type Scenario } from '../meddling/house.js'
import { inboxScenarios } from '../meddling/inbox.js'
import { ledgerScenarios } from '../meddling/ledger.js'
import { shelfScenarios } from '../meddling/shelf.js'
import { broken, type Break } from '../mutant.js'
import { add, noFindings, repeat, type Bench, type Control, type Findings, type Part } from '../part.js'
import type { Random } from '../random.js'
import { Witness } from '../witness.js'

const SCENARIOS: Scenario[] = [...shelfScenarios, ...inboxScenarios, ...ledgerScenarios]

/** Files, parts and the ledger are changed behind the server's back, while it runs and while it is stopped. */
export const meddled: Part = {
  name: 'meddled',
  title: 'shelf files, parts and the ledger cut, grown, replaced, deleted, torn or put back by somebody else',
  unit: 'scenarios',
  rounds: { ci: SCENARIOS.length, full: 20 * SCENARIOS.length },
  trouble: () => undefined,
  run: (bench) => through(bench, SCENARIOS),
  controls: [
    control('a look at the shelf that does not compare sizes', shelfScenarios, {
      file: 'src/store/shelf.js',
      from: 'else if (stats.size !== content.size)',
      to: 'else if (false)',
    }),
    control('a start that does not look whether the ledger is torn', ledgerScenarios, {
      file: 'src/store/ledger.js',
      from: "if (isTorn(join(folder, 'ledger.db')) && isTorn(join(folder, 'ledger.db')))",
      to: 'if (false)',
    }),
  ],
}

/** A server that is broken so must be found out by these scenarios. */
function control(title: string, scenarios: Scenario[], place: Break): Control {
  return broken(title, [place], (bench, command) => through(bench, scenarios, command))
}

/**
 * The scenarios in random order, all of them before any comes again. Each has a house of its own: damage that one start
 * has not noticed must not be laid to the next scenario's charge.
 */
function through(bench: Bench, scenarios: Scenario[], command?: string[]): Promise<Findings> {
  let deck: Scenario[] = []
  return repeat(bench, 1, (_, random) => {
    if (deck.length === 0) deck = [...scenarios]
    const [scenario] = deck.splice(random.between(0, deck.length - 1), 1)
    return meddle(scenario!, random, command)
  })
}

async function meddle({ title, play }: Scenario, random: Random, command?: string[]): Promise<Findings> {
  // A short lease: whoever was sending when a ledger went may come back at once.
  const server = await TestServer.start({ env: { LEASE_SECONDS: '1' }, ...(command ? { command } : {}) })
  const witness = new Witness()
  const findings = { ...noFindings(), rounds: 1 }
  try {
    const found = noFindings()
    await play(new House(server, witness, random, found)).catch((error: unknown) => {
      // A server that doesn't start (any more) ends this house.
      found.stuck.push((error as Error).message)
    })
    add(findings, found, title)
    if (found.stuck.length === 0) add(findings, { ...(await audit(server, witness)), rounds: 0 })
    return findings
  } finally {
    await server.stop()
  }
}
