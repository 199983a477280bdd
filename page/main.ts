import { createFerry } from './engine/create-ferry.js'
import { start } from './view/start.js'

const base = new URL('.', document.baseURI).href.replace(/\/$/, '')

const ferry = await createFerry(
  base,
  () => new Worker(new URL('./hashing/hash-worker.ts', import.meta.url), { type: 'module' }),
)
await start(ferry, document.getElementById('page')!)
