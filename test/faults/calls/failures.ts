import { isGone, pause } from '../../support/server.js'
import { inject } from '../../support/strace.js'
import { tus } from '../../support/tus.js'
import { logged, threadOf, type Call, type Lane } from './lanes.js'
import { add, noFindings, type Findings } from '../part.js'
import { sendByForm, sendByTus } from '../senders.js'
import { form, lookAround, type Answer, type Scene, type Stage } from './stages.js'
import { Witness } from '../witness.js'

/** A sender that has not succeeded by then never will, in milliseconds. */
const PATIENCE = 20_000
/** What happens off an answer's path has happened by then, in milliseconds. */
const AFTERMATH = 20
/** How long errors last on after the answer, in milliseconds: a sender that tries again meets them, too. */
const WHILE = 250

/** What a call answers instead of doing its work: once, or until the errors are called off. */
export interface Effect {
  error: 'EIO' | 'ENOSPC'
  lasting: boolean
}

export interface Failure extends Lane {
  effect: Effect
  count: number
}

/** A witness who also remembers which uploads were said to be over. */
export class Watcher extends Witness {
  readonly over = new Set<string>()

  override ended(url: string): void {
    this.over.add(url)
    super.ended(url)
  }
}

/**
 * Lets one call fail in the course of a stage, and sees whether the server says so, keeps what it acknowledged, goes on
 * serving, and lets the sender succeed once the errors are over. No rounds: the stage was over before that call.
 */
export async function fail(
  stage: Stage,
  scene: Scene & { witness: Watcher },
  failure: Failure,
): Promise<Findings> {
  const { effect, call, count, path } = failure
  const act = await stage.begin(scene)
  const found = noFindings()
  let answers: Answer[] = []
  let sending: Promise<boolean> | undefined
  const { failed, syncs } = await failing(scene, failure, async () => {
    answers = await act()
    if (!effect.lasting) return pause(AFTERMATH)
    judge(await lookAround(scene), found)
    sending = send(stage, scene)
    return pause(WHILE)
  })
  if (failed.length > 0) found.rounds = 1
  if (await isGone(scene.server, 0)) {
    found.stuck.push('the server has ended')
    await scene.server.start()
  }
  judge(answers, found)
  await judgeSync(scene, syncs, effect.lasting ? [] : answers, found)
  if (!(await (sending ?? send(stage, scene)))) found.stuck.push('its sender does not succeed any more')
  judgeOver(scene.witness, syncs, found)
  scene.witness.pending.clear() // what could not be finished has been said, once
  const told = noFindings()
  const source = effect.lasting ? 'from' : 'at'
  add(told, found, `${effect.error} ${source} ${call} ${count} (${path}) of ${stage.name}`)
  return told
}

/** Does something while a call fails: the calls that did, and those of them that are syncs of something. */
async function failing(
  { server }: Scene,
  { effect, count, ...lane }: Failure,
  action: () => Promise<void>,
): Promise<{ failed: Call[]; syncs: Call[] }> {
  const injection = `${lane.call}:error=${effect.error}:when=${count}${effect.lasting ? '+' : ''}`
  const calls = await logged(async (log) => {
    const detach = await inject(server.pid, injection, {
      thread: await threadOf(server, lane),
      beside: 'pwrite64',
      log,
    })
    try {
      await action()
    } finally {
      await detach()
    }
  })
  return {
    failed: calls.filter(({ injected }) => injected),
    syncs: calls.filter((call, at) => call.injected && isDataSync(call, calls.slice(0, at))),
  }
}

/** An answer is a success (the witness holds the server to that), or says in JSON that the server is to blame. */
function judge(answers: Answer[], found: Findings): void {
  for (const { to, status, reply } of answers) {
    if (status >= 200 && status < 300) continue
    const isSaid = reply?.status === 'error' || to === 'HEAD'
    if (![503, 507].includes(status) || !isSaid)
      found.stuck.push(`${to} was answered with ${status} ${JSON.stringify(reply)}`)
  }
}

/**
 * A sync that something was acknowledged by. Of the ledger's folder it is not, SQLite does that by the way; nor of its
 * log where nothing was written since the last one: SQLite syncs it once more before it copies it to the database, which
 * happens after the commit and may fail.
 */
function isDataSync({ name, path }: Call, before: Call[]): boolean {
  if (!name.endsWith('sync') || /\.ledger(\/ledger\.db)?$/.test(path)) return false
  const last = before.findLast((call) => call.path === path && !call.injected)
  return !path.endsWith('-wal') || last?.name === 'pwrite64'
}

/** A failed sync must be told, and of a part it is the end: nobody may try again and believe the second result. */
async function judgeSync(
  { witness }: Scene,
  syncs: Call[],
  answers: Answer[],
  found: Findings,
): Promise<void> {
  if (syncs.length > 0 && answers.length > 0 && answers.every(({ status }) => status < 300))
    found.lost.push(`${syncs[0]!.path} was not synced, and yet acknowledged`)
  for (const url of witness.pending.keys()) {
    const part = `/tmp_${url.split('/').at(-1)!}`
    if (syncs.some(({ path }) => path.endsWith(part)) && (await tus.head(url)).status === 200)
      found.lost.push(`${url} goes on after a sync that failed`)
  }
}

/** Only a failed sync may end an upload. */
function judgeOver(witness: Watcher, syncs: Call[], found: Findings): void {
  if (syncs.length === 0) found.lost.push(...[...witness.over].map((url) => `${url} is gone`))
  witness.over.clear()
}

/** The file's sender, who does not give up: goes on with the upload, or begins anew where that is over. */
async function send(stage: Stage, { server, witness, file }: Scene): Promise<boolean> {
  if (witness.stored.has(file.md5)) return true
  const sending = { server: server.url, witness, signal: AbortSignal.timeout(PATIENCE) }
  if (stage === form) return sendByForm(file, sending)
  const [uploadUrl] = witness.pending.keys()
  return sendByTus(file, sending, uploadUrl === undefined ? {} : { uploadUrl })
}
