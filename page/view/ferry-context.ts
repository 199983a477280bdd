import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Ferry } from '../engine/ferry.js'

export const FerryContext = createContext<Ferry | undefined>(undefined)

/** The engine behind the page. */
export function useFerry(): Ferry {
  const ferry = useContext(FerryContext)
  if (!ferry) throw new Error('rendered outside of a page')
  return ferry
}
