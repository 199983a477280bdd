import { setFlagsFromString } from 'node:v8'

// With the small old space that a freshly loaded server has, V8 runs a full collection for every 6 MiB of
// body buffers: 163 per GiB, half of the CPU time. main.ts imports this module first, because the flag only
// counts for a heap that has not grown yet (and imports are hoisted above statements).
setFlagsFromString('--heap-growing-percent=400')
