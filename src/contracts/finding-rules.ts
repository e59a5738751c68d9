/** The rules of a finding's life and severity: detection follows them, and /methods says them. */

/** A finding opens at once when its week is this clear. */
export const OPENS_AT_ONCE = { maxQ: 0.01, minRatio: 2 } as const

/** Otherwise when so many of the last weeks are outside. */
export const OPENS_AFTER = { outside: 2, of: 3 } as const

/** It ends after so many tested weeks inside, one after the other. */
export const ENDS_AFTER_INSIDE = 2

/** A series that leaves its range again within so many weeks of the end has returned; later it is a new finding. */
export const RETURNS_WITHIN_WINDOWS = 8

/** High: both; medium: one of them; low: neither. */
export const SEVERITY = { maxQ: 0.01, minRatio: 2 } as const
