import { parseConfig } from '#src/config.js'
import { occupy } from '#src/store/occupy.js'
import { openStores } from '#src/stores.js'
import Database from 'libsql'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../support/folder.js'

function configFor(dir: string) {
  const parsed = parseConfig({}, {}, dir)
  if (!('config' in parsed)) throw new Error('the defaults are no configuration')
  return parsed.config
}

describe('openStores', () => {
  it('keeps both folders until the stores are closed', async () => {
    const config = configFor(testFolder())
    const stores = await openStores(config)
    for (const folder of [config.filesDir, config.tmpDir])
      expect(() => occupy(folder)).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }))
    await stores.close()
    for (const folder of [config.filesDir, config.tmpDir]) occupy(folder).close()
  })

  it('lets both folders go where it fails halfway', async () => {
    const config = configFor(testFolder())
    await (await openStores(config)).close()
    const db = new Database(join(config.filesDir, '.ledger', 'ledger.db'))
    db.exec('PRAGMA user_version=99')
    db.close()
    await expect(openStores(config)).rejects.toThrow(/newer Ferry/)
    for (const folder of [config.filesDir, config.tmpDir]) occupy(folder).close()
  })
})
