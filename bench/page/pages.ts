/** A page that takes a file, and how the clock knows when it has done with it. */
export interface BenchPage {
  name: string
  /** CSS selector of the input. */
  input: string
  /** Runs in the page when it has loaded: has `clock.stop()` called when the file's link, or its MD5, is there. */
  watch: string
}

export const FERRY: BenchPage = {
  name: 'Ferry',
  input: 'input[type=file]:not([webkitdirectory])',
  watch: `new MutationObserver(() => document.querySelector('article a.link') && clock.stop())
    .observe(document.body, { subtree: true, childList: true, attributes: true })`,
}

/** By its own defaults it waits for somebody to press the button; nobody is quicker than this. */
export const UPPY: BenchPage = {
  name: 'Uppy',
  input: '.uppy-Dashboard-input:not([webkitdirectory])',
  watch: `new MutationObserver((_, observer) => {
      const button = document.querySelector('.uppy-StatusBar-actionBtn--upload')
      if (button) observer.disconnect()
      button?.click()
    }).observe(document.body, { subtree: true, childList: true })
    uppy.on('upload-success', () => clock.stop())
    uppy.on('upload-error', (_, error) => clock.fail(error))`,
}

export const HASHING: BenchPage = { name: 'hashing alone', input: 'input', watch: '' }

/** Runs in every page before anything of its own: the clock starts when a file is chosen. */
export const CLOCK = `
  const shifts = []
  let chosen
  let stop
  let fail
  const stopped = new Promise((resolve, reject) => {
    stop = resolve
    fail = reject
  })
  addEventListener('change', () => (chosen ??= performance.now()), true)
  new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({ type: 'layout-shift', buffered: true })
  globalThis.clock = {
    stop: () => stop(performance.now()),
    fail,
    /** Milliseconds from choosing the file to the end, and the layout shift between the first half second and that. */
    async read() {
      const end = await stopped
      const meanwhile = shifts.filter(({ startTime }) => startTime > chosen + 500 && startTime < end)
      return { milliseconds: end - chosen, shift: meanwhile.reduce((sum, { value }) => sum + value, 0) }
    },
  }`
