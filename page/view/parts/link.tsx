import { Fragment, type RefObject } from 'preact'

/** The whole address, to be read, copied and followed; it breaks behind its slashes first. */
export function Link({
  href,
  elementRef,
}: {
  href: string
  elementRef: RefObject<HTMLAnchorElement | null>
}) {
  return (
    <a class="link" href={href} target="_blank" rel="noopener" ref={elementRef} dir="ltr">
      {href.split(/(?<=[^/]\/)(?=[^/])/).map((part, place) => (
        <Fragment key={place}>
          {place > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </a>
  )
}
