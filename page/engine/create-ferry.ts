import { computed, signal } from '@preact/signals'
import type { Md5 } from '../../src/contract.js'
import { Ranges } from '../../src/spread/ranges.js'
import { Access, browserTokenPlace } from './access.js'
import { createCard, type Card } from './card.js'
import { Checks } from './checks.js'
import type { Arrived, Means } from './crossing.js'
import type { Ferry, Past, Refusal, Unfinished } from './ferry.js'
import { gatherFiles } from './gather.js'
import { Handling } from './handling.js'
import { Hasher } from '../hashing/hasher.js'
import { keyOf } from './hold.js'
import { publicLink } from './links.js'
import { Locks } from './locks.js'
import { openMemory } from './memory.js'
import { isProblem } from './problem.js'
import { Server } from './server.js'
import { Slots } from './slots.js'
import { Tabs } from './tabs.js'

/** `base`: the page's address, without its last slash. `createWorker`: the thread that hashes, when it is needed. */
export async function createFerry(base: string, createWorker: () => Worker): Promise<Ferry> {
  const access = new Access(browserTokenPlace())
  const server = new Server(base, access)
  const memory = await openMemory()
  const tabs = new Tabs()
  const means: Means = {
    server,
    access,
    memory,
    tabs,
    hasher: new Hasher(createWorker, () => server.isOutOfReach()),
    slots: new Slots(),
    locks: new Locks(),
    checks: new Checks(server, tabs.id),
    limit: { bytes: Infinity },
    line: {},
  }
  const forever = new AbortController().signal

  const cards = signal<readonly Card[]>([])
  const earlier = signal<readonly Unfinished[]>([])
  const history = signal<readonly Past[]>(await memory.history())
  const isDragging = signal(false)
  const refusals = signal<readonly Refusal[]>([])
  const handlings = new Map<Card, Handling>()
  const unfinished = computed(() => {
    const chosen = new Set(cards.value.map(({ file }) => keyOf(file)))
    return earlier.value.filter(({ key }) => !chosen.has(key))
  })

  const gathering = gatherFiles({
    onFiles(files) {
      const added = files.map(({ id, file, name }) => createCard(id, file, name))
      cards.value = [...cards.value, ...added]
      for (const card of added) {
        const handling = new Handling(card, means, arrive)
        handlings.set(card, handling)
        handling.start()
      }
    },
    onRefusals: (refused) => (refusals.value = refused),
    onDragging: (isOver) => (isDragging.value = isOver),
  })

  function arrive(card: Card, { how, md5, url }: Arrived): void {
    const link = publicLink(url, base)
    card.step.value = { at: 'done', how, md5, link }
    forgetEarlier(keyOf(card.file))
    // A list that could not be written is no reason to hold back the link.
    memory.remember(pastOf(card, md5, link)).catch(() => undefined)
  }

  /** A link that no card shows any more is one of earlier. */
  function becomePast(card: Card, md5: Md5, link: string): void {
    history.value = [pastOf(card, md5, link), ...history.value.filter((other) => other.md5 !== md5)]
  }

  function forgetEarlier(key: string): void {
    if (earlier.value.some((other) => other.key === key))
      earlier.value = earlier.value.filter((other) => other.key !== key)
  }

  /** What earlier visits have left, and how much of it there is. */
  async function lookBack(): Promise<void> {
    for (const { key, name, size, upload } of await memory.uploads()) {
      if ((await tabs.isElsewhere(key)) || tabs.holds(key)) continue
      if (upload === undefined) {
        await memory.forget(key)
        continue
      }
      const bytes = await server
        .stand(upload, forever)
        .then(({ offset, ahead = [] }) => new Ranges([{ start: 0, end: offset }, ...ahead]).total)
        .catch((error: unknown) => (isProblem(error, 'gone') ? 'gone' : undefined))
      if (bytes !== 'gone') earlier.value = [...earlier.value, { key, name, size, bytes }]
      else if (!tabs.holds(key)) await memory.forget(key)
    }
  }

  async function discard({ key }: Unfinished): Promise<void> {
    forgetEarlier(key)
    const record = await memory.upload(key)
    if (record?.upload !== undefined) await server.drop(record.upload, forever).catch(() => undefined)
    await memory.forget(key)
  }

  async function heedLargest(): Promise<void> {
    gathering.limit(await server.largest(forever))
  }

  void lookBack().catch(() => undefined)
  void heedLargest().catch(() => undefined)

  const handlingOf = (card: Card): Handling => handlings.get(card)!
  return {
    cards,
    unfinished,
    history,
    isDragging,
    refusals,
    token: access.state,
    add: (files) => gathering.add(files),
    pause: (card) => handlingOf(card).pause(),
    resume: (card) => handlingOf(card).start(),
    retry: (card) => handlingOf(card).retry(),
    hurry: (card) => handlingOf(card).hurry(),
    cancel(card) {
      const handling = handlingOf(card)
      handlings.delete(card)
      cards.value = cards.value.filter((other) => other !== card)
      gathering.remove(card.id)
      forgetEarlier(keyOf(card.file))
      const step = card.step.value
      if (step.at === 'done') becomePast(card, step.md5, step.link)
      else void handling.giveUp()
    },
    discard: (past) => void discard(past),
    clearHistory() {
      history.value = []
      void memory.clearHistory()
    },
    giveToken: (token, remember) => access.give(token, remember),
  }
}

function pastOf({ file, size }: Card, md5: Md5, link: string): Past {
  return { md5, name: file.name, size, link, at: Date.now() }
}
