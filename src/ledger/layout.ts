const INDEX_DIGITS = 12
const DIGITS_A_FOLDER = 3

/** Folder of a log, below the lake's base path. */
export function logFolder(log: string): string {
  return `ledger/${log}`
}

/**
 * Key of the segment whose first event has index `start`: twelve digits in four groups, so that no folder
 * holds more than 1,000 names: `ledger/main/seg/x000/x000/x001/234`.
 */
export function segmentKey(log: string, start: number): string {
  const digits = String(start).padStart(INDEX_DIGITS, '0')
  const groups = Array.from({ length: INDEX_DIGITS / DIGITS_A_FOLDER }, (_, group) =>
    digits.slice(group * DIGITS_A_FOLDER, (group + 1) * DIGITS_A_FOLDER),
  )
  const name = groups.map((group, level) => (level < groups.length - 1 ? `x${group}` : group)).join('/')
  return `${segmentsPrefix(log)}${name}`
}

/** What the keys of all segments of a log begin with. */
export function segmentsPrefix(log: string): string {
  return `${logFolder(log)}/seg/`
}

/** Key of the n-th description of a log; the highest n counts. */
export function logFileKey(log: string, n: number): string {
  return `${logFolder(log)}/log.${n}.json`
}
