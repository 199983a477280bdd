import { ClientError } from '../errors.js'
import { Arrival } from './arrival.js'
import { asDiskError } from './disk.js'
import { lookAt } from './existing.js'
import type { Facts } from './facts.js'
import { type Job, jobOf, withAgents } from './job.js'
import { cleanName, proposedName } from './name.js'
import type { GetOrder, GetResult, GetTools } from './order.js'
import { takeSlot } from './slot.js'
import { stream } from './stream.js'
import { type Target, targetOf } from './target.js'

/**
 * Gets one content: the file is in its place only when all of it is on disk and has the MD5 that its address says.
 *
 * Throws ClientErrors: `bad-source`; `not-there`, `refused`, `not-ferry`, `host-unknown`, `gave-up` or, without retries,
 * what the line said; `name-taken`; `unwritable`, `file-unreadable`; `getting-elsewhere` while another process is at it;
 * `wrong-content`; or the signal's reason. After any but `wrong-content` the same order goes on where it stopped.
 */
export function getOne(order: GetOrder, tools: GetTools): Promise<GetResult> {
  return withAgents(order, tools, async (equipped) => {
    const job = jobOf(order.source, equipped, tools)
    if (order.output === '-') return stream(job)
    let facts: Facts | undefined
    const target = await targetOf(order.output, order.cwd, async () => {
      facts = await factsOf(job)
      return nameOf(job, facts)
    })
    return bring(job, target, facts)
  })
}

/** Brings the job's content to `target`, unless it is there. `known`: what the server says of it, where it was asked. */
export async function bring(job: Job, target: Target, known?: Facts): Promise<GetResult> {
  const { wishes, tools, texts, source } = job
  const { path, shownAs } = target
  const present = await lookAt(target, job, known?.size)
  if (present === 'same') {
    await tidy(target, job)
    tools.console.say(texts.alreadyHere(shownAs))
    return { state: 'already', path, md5: source.md5 }
  }
  if (present === 'other' && !wishes.force) throw new ClientError('name-taken', { subject: shownAs })

  const facts = known ?? (await factsOf(job))
  const size = await inSlot(job, target, facts).catch(asDiskError(shownAs))
  tools.console.say(texts.got(shownAs))
  return { state: 'got', path, md5: source.md5, size }
}

async function inSlot(job: Job, target: Target, facts: Facts): Promise<number> {
  const slot = await takeSlot(target.path, job.source.md5, target.shownAs)
  try {
    job.tools.console.say(job.texts.getting(job.remote.shownAs, target.shownAs, facts.size))
    return await new Arrival(job, target, slot).run(facts)
  } finally {
    await slot.release()
  }
}

/** A run that was killed when the file had just got its name has left its part behind. */
async function tidy({ path, shownAs }: Target, { source }: Job): Promise<void> {
  const slot = await takeSlot(path, source.md5, shownAs).catch(() => undefined)
  await slot?.clear().catch(() => undefined)
  await slot?.release()
}

function factsOf({ attempts, remote, tools }: Job): Promise<Facts> {
  return attempts.until(() => remote.facts(tools.signal))
}

/** The name it was first uploaded under, cleaned, else the last segment of its URL. */
function nameOf({ source }: Job, { disposition }: Facts): string {
  return proposedName(disposition, process.platform) ?? cleanName(source.lastSegment, process.platform)
}
