import { parentPort, workerData } from 'node:worker_threads'
import { connect, isGarbage } from './ledger-schema.js'
import { verbs, type Verbs } from './ledger-verbs.js'

/** One write as it travels to this thread, and the answer to it. */
export interface Order {
  number: number
  verb: keyof Verbs
  argument: unknown
}
export interface Outcome {
  number: number
  result?: unknown
  error?: { message: string; code: string | undefined }
}

const port = parentPort!
let { db, write } = open()

let waiting: Order[] = []

port.on('message', (orders: Order[] | 'close') => {
  if (orders === 'close') return void setImmediate(close)
  if (waiting.length === 0) setImmediate(commit)
  waiting.push(...orders)
})

function open() {
  const db = connect((workerData as { file: string }).file)
  return { db, write: verbs(db) as Record<string, (argument: unknown) => unknown> }
}

function close(): void {
  if (waiting.length > 0) commit()
  db.close()
  port.close()
}

/** All that wait share one transaction and so one sync. One that fails does not take the others with it. */
function commit(): void {
  const orders = waiting
  waiting = []
  if (orders.length === 0) return
  try {
    port.postMessage(together(orders))
  } catch (error) {
    port.postMessage(orders.length === 1 ? [failure(orders[0]!, error)] : orders.map(alone))
  }
}

function together(orders: Order[]): Outcome[] {
  db.exec('BEGIN IMMEDIATE')
  try {
    const outcomes = orders.map((order) => ({
      number: order.number,
      result: write[order.verb]!(order.argument),
    }))
    db.exec('COMMIT')
    return outcomes
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK')
    if (isGarbage(error)) reopen()
    throw error
  }
}

/** Nothing is lost with the old connection but the names of a scan, and a scan that meets an error is given up. */
function reopen(): void {
  const old = db
  ;({ db, write } = open())
  old.close()
}

function alone(order: Order): Outcome {
  try {
    return together([order])[0]!
  } catch (error) {
    return failure(order, error)
  }
}

function failure(order: Order, error: unknown): Outcome {
  const { message, code } = error as { message: string; code?: string }
  return { number: order.number, error: { message, code } }
}
