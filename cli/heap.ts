import { setFlagsFromString } from 'node:v8'

// As in the server (src/heap.ts): with the small old space of a program that has just been loaded, V8 runs a full
// collection for every few pieces of a file. To be imported first.
setFlagsFromString('--heap-growing-percent=400')
