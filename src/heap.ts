import { setFlagsFromString } from 'node:v8'

// With the small old space that a freshly loaded program has, V8 runs a full collection for every 6 MiB of
// body buffers: 163 per GiB, half of the server's CPU time and a sixth of the client's. The main.ts of either
// imports this module first, because the flag only counts for a heap that has not grown yet (and imports are
// hoisted above statements).
setFlagsFromString('--heap-growing-percent=400')
