import { besiege } from './siege.js'

// `ulimit -n` must allow some 12,000 connections, here and in the server: Node takes all that the hard limit gives.
const GIB = 1024 ** 3
const calm = await besiege({ idle: 0, stalled: 0, bytes: GIB, addresses: 1 })
console.log('without anybody in the way', calm)
const siege = await besiege({ idle: 10_000, stalled: 200, bytes: GIB, addresses: 10 })
console.log('with 10,000 idle connections and 200 stalled uploads', siege)
const { code, failedChecks, p99, rss, held } = siege
const hasHeld = code === 0 && failedChecks === 0 && p99 < 250 && rss < 400 && held > 9000
console.log(hasHeld ? 'held' : 'FELL')
process.exit(hasHeld ? 0 : 1)
