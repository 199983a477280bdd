const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })

document
  .querySelector('input')
  .addEventListener('change', ({ target }) => worker.postMessage(target.files[0]))

// For the bench to see when it is done.
worker.addEventListener('message', () => globalThis.clock.stop())
