import type { Part } from './part.js'
import { clock } from './parts/clock.js'
import { errors } from './parts/errors.js'
import { full } from './parts/full.js'
import { kills } from './parts/kills.js'
import { line } from './parts/line.js'
import { meddled } from './parts/meddled.js'
import { points } from './parts/points.js'
import { power } from './parts/power.js'

/** All parts of the programme, in the order of the report. */
export const PARTS: Part[] = [kills, points, errors, ...power, full, line, meddled, clock]
