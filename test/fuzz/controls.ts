import type { Break } from '../faults/mutant.js'

/** Servers that are broken on purpose: each must be found out, or a run without findings shows nothing. */
export const CONTROLS: { title: string; breaks: Break[] }[] = [
  {
    title: 'an answer with a stack trace',
    breaks: [
      {
        file: 'src/http/errors.js',
        from: 'message: error.message, ...error.details',
        to: 'message: error.stack, ...error.details',
      },
    ],
  },
  {
    title: 'a 500 to a form without its file',
    breaks: [{ file: 'src/http/errors.js', from: "'missing-field': 400", to: "'missing-field': 500" }],
  },
  {
    title: 'a crash by a form that breaks off in its file',
    breaks: [{ file: 'src/http/form.js', from: "part.on('error', () => undefined)", to: '' }],
  },
  {
    // The part alone would be swept: an upload that nobody is at ends for its age.
    title: 'a part that stays, locked, when a form breaks off',
    breaks: [
      {
        file: 'src/http/upload.js',
        from: 'await this.intake.terminate(this.#id, ending)',
        to: 'return await Promise.resolve()',
      },
    ],
  },
]
