import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icon.js'

interface Properties {
  icon?: IconName
  /** From the one that most people want to the one that is only there when looked for; of `icon` the label is only heard. */
  kind?: 'main' | 'tinted' | 'quiet' | 'bare' | 'icon'
  onClick: () => void
  /** The id of what it is for, where only hearing tells one button from the next. */
  about?: string
  isExpanded?: boolean
  controls?: string
  children: ComponentChildren
}

export function Button({ icon, kind = 'quiet', onClick, isExpanded, controls, about, children }: Properties) {
  return (
    <button
      type="button"
      class={`button ${kind}`}
      onClick={onClick}
      aria-describedby={about}
      aria-expanded={isExpanded}
      aria-controls={isExpanded ? controls : undefined}
      title={kind === 'icon' && typeof children === 'string' ? children : undefined}
    >
      {icon && <Icon name={icon} />}
      <span class={kind === 'icon' ? 'unseen' : undefined}>{children}</span>
    </button>
  )
}
