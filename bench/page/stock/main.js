import Uppy from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import Tus from '@uppy/tus'
import '@uppy/core/css/style.min.css'
import '@uppy/dashboard/css/style.min.css'

const endpoint = new URLSearchParams(location.search).get('endpoint')

const uppy = new Uppy().use(Dashboard, { inline: true, target: 'body' }).use(Tus, { endpoint })

// For the bench to see when a file is there.
globalThis.uppy = uppy
