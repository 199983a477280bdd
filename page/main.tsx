import { render } from 'preact'

render(<p>Ferry</p>, document.getElementById('page')!)
