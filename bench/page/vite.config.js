import { join } from 'node:path'
import { defineConfig } from 'vite'

const page = (name) => join(import.meta.dirname, name, 'index.html')

export default defineConfig({
  build: { rollupOptions: { input: [page('stock'), page('hashing')] }, reportCompressedSize: false },
  worker: { format: 'es' },
})
