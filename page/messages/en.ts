import type { Messages } from './messages.js'

export const english: Messages = {
  language: 'en',
  otherLanguage: '中文',

  drop: {
    title: 'Drop a file, get the link',
    titleForFingers: 'Choose a file, get the link',
    chooseFiles: 'Choose files',
    chooseFolder: 'Choose a folder',
    hint: 'Drop them anywhere on this page, or paste',
    promise: 'If the line breaks, it goes on where it stopped. A file that is here already isn’t sent twice.',
    anywhere: 'Drop anywhere',
  },

  card: {
    progress: 'Progress',
    pause: 'Pause',
    goOn: 'Go on',
    cancel: 'Cancel',
    remove: 'Remove from list',
    retry: 'Retry',
    tryNow: 'Try now',
    copy: 'Copy link',
    copied: 'Copied',
    pressKeys: (keys) => `Press ${keys}`,
    open: 'Open',
    qr: 'QR code',
    qrOf: (link) => `QR code of ${link}`,
    qrMissing: 'The code could not be loaded. Close it and try again.',
  },

  step: {
    waiting: 'Waiting its turn',
    hashing: (percent) => `Reading the file: ${percent}`,
    asking: 'Asking the server…',
    elsewhere: (percent) =>
      `Somebody else is sending this file: ${percent} is there. The link comes when it has arrived.`,
    of: (done, size) => `${done} of ${size}`,
    perSecond: (bytes) => `${bytes}/s`,
    left: {
      minutes: (amount) => `about ${amount} min left`,
      hours: (amount) => `about ${amount} h left`,
      days: (amount) => `about ${amount} days left`,
    },
    almost: 'less than a minute left',
    wasThere: (bytes) => `${bytes} was already there`,
    verifying: 'Checking what has arrived…',
    between: '. ',
    againIn: (seconds) => `Trying again in ${seconds} s`,
    again: 'Trying again…',
    paused: (percent) => `Paused at ${percent}`,
  },

  done: {
    stored: 'Stored and verified',
    known: 'The server had this file already: nothing was sent',
    arrived: 'Arrived from somebody else, and verified',
  },

  trouble: {
    unreachable: 'The line is down',
    silent: 'Connected, but nothing gets through',
    busy: 'The server is busy',
    'disk-full': 'The server’s disk is full',
  },

  failure: {
    unreadable: {
      why: 'The browser can’t read this file.',
      whatToDo: 'It may have been changed, moved, renamed or locked. Choose it again.',
    },
    mismatch: {
      why: 'What arrived isn’t what was sent, so the server has kept nothing.',
      whatToDo: 'Retry. If it happens again, look for a proxy on the way that changes what passes.',
    },
    'too-large': {
      why: 'The file is larger than this server takes.',
      whatToDo: 'Ask whoever runs the server to raise the limit, or send it in parts.',
    },
    'no-hash': {
      why: 'The browser can’t compute the file’s checksum.',
      whatToDo: 'Reload the page, or try another browser.',
    },
    refused: {
      why: 'The server has refused the file.',
      whatToDo: 'Retry, or show the line below to whoever runs the server.',
    },
  },

  list: {
    title: 'Files',
    done: (done, all) => `${done} of ${all} done`,
    failed: (failed) => `${failed} failed`,
    copyAll: 'Copy all links',
    removeFinished: 'Remove finished',
    showMore: 'Show more',
  },

  unfinished: {
    title: 'Unfinished',
    howTo: 'Choose the same file again and it goes on where it stopped.',
    there: (percent) => `${percent} is there`,
    choose: 'Choose again',
    discard: 'Discard',
  },

  history: {
    title: 'Earlier links',
    clear: 'Clear history',
    clearMeans: 'Clears only the list in this browser; the files stay on the server.',
  },

  refused: {
    twice: (name) => `“${name}” is in the list already`,
    'too-large': (name) => `“${name}” is larger than this server takes`,
    tooLargeFor: (name, limit) => `“${name}” is larger than this server takes (${limit})`,
    more: (count) => `and ${count} more`,
  },

  token: {
    title: 'This server asks for a token',
    wrong: 'The server has refused this token.',
    label: 'Token',
    remember: 'Remember it in this browser',
    submit: 'Use this token',
    missing: 'This server takes no files without a token.',
    enter: 'Enter the token',
  },

  title: { done: 'Done', down: 'Line down', paused: 'Paused', failed: 'Failed' },

  news: {
    done: (name) => `${name}: the link is ready`,
    failed: (name, why) => `${name}: ${why}`,
    linksCopied: 'All links copied',
    noLanguage: 'The other language could not be loaded. Try again.',
  },

  footer: 'A link always gives exactly the bytes that were sent.',
}
