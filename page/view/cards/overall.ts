import { isUnderWay, type Card, type Step } from '../../engine/card.js'

/** All cards together. Bytes. */
export interface Overall {
  cards: number
  done: number
  failed: number
  /** How many would stop if the page were left; `moving` of them neither wait nor have lost the line. */
  underWay: number
  moving: number
  /** How many wait for the line to come back. */
  down: number
  bytes: number
  size: number
}

const nothing: Overall = { cards: 0, done: 0, failed: 0, underWay: 0, moving: 0, down: 0, bytes: 0, size: 0 }

export function overall(cards: readonly Card[]): Overall {
  const sum = { ...nothing }
  for (const {
    step: { value: step },
    size,
    there,
  } of cards) {
    sum.cards++
    sum.size += size
    sum.bytes += bytesOnServer(step, size, there.value)
    if (step.at === 'done') sum.done++
    if (step.at === 'failed') sum.failed++
    if (step.at === 'down') sum.down++
    if (isUnderWay(step)) sum.underWay++
    if (isUnderWay(step) && step.at !== 'down' && step.at !== 'waiting') sum.moving++
  }
  return sum
}

/** While a file is read, its `bytes` are those that were read. */
function bytesOnServer(step: Step, size: number, there: number): number {
  if (step.at === 'done' || step.at === 'verifying') return size
  return 'bytes' in step && step.at !== 'hashing' ? step.bytes : there
}
