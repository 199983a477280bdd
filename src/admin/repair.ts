import type { Config } from '../config.js'
import { Intake } from '../intake/intake.js'
import { Ledger, NoLedger } from '../store/ledger.js'
import { holdsContents, recover } from '../store/recover.js'
import { scan } from '../store/scan.js'
import { verifyUploads, type Finding } from '../store/verify.js'
import { openStores, type OwnStores } from '../stores.js'

/**
 * What a start does before it listens, which can't happen meanwhile; returns what there was to mend. Throws
 * UnusableFolder where a server has one of the folders, NoLedger where FILES_DIR is no shelf.
 */
export async function repairAsAStart(config: Config): Promise<Finding[]> {
  const { filesDir } = config
  const hadLedger = await Ledger.isIn(filesDir)
  if (!hadLedger && !(await holdsContents(filesDir))) throw new NoLedger(filesDir)
  const stores = await openStores(config)
  try {
    return hadLedger ? await recoverUploads(stores, config) : await fillLedger(stores)
  } finally {
    await stores.close()
  }
}

async function recoverUploads({ torn, ...stores }: OwnStores, config: Config): Promise<Finding[]> {
  const found = torn === undefined ? await findAmongUploads(stores) : [tornLedger(config.filesDir, torn)]
  const intake = new Intake(stores, config)
  const { uploads } = await recover(stores.shelf, stores.ledger, stores.inbox)
  await intake.resume(uploads)
  await intake.settled()
  return found
}

/** The parts stay: where the shelf has no ledger, FILES_DIR may be mistyped, and they belong to another. */
async function fillLedger({ shelf, ledger }: OwnStores): Promise<Finding[]> {
  await scan(shelf, ledger)
  return [tornLedger(shelf.directory, '')]
}

async function findAmongUploads(stores: Pick<OwnStores, 'shelf' | 'ledger' | 'inbox'>): Promise<Finding[]> {
  const found: Finding[] = []
  for await (const finding of verifyUploads(stores)) found.push({ ...finding, mended: true })
  return found
}

function tornLedger(name: string, detail: string): Finding {
  return { kind: 'torn-ledger', name, detail, mended: true }
}
