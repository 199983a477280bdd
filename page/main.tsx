import { createFerry } from './engine/create-ferry.js'

const base = new URL('.', document.baseURI).href.replace(/\/$/, '')

const ferry = await createFerry(
  base,
  () => new Worker(new URL('./hashing/hash-worker.ts', import.meta.url), { type: 'module' }),
)
Object.assign(globalThis, { ferry })
