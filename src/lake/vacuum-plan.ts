import type { TableHistory } from './delta/history.js'
import { digestInName } from './parts.js'
import type { ObjectInfo } from './store.js'

/** What must stay readable in a table beside its newest version and those of the retention. */
export interface TableNeeds {
  /** True when nothing may go: what rests on the table is not known in full. */
  readonly everything?: boolean
  /** Versions that somebody has named. */
  readonly versions?: readonly number[]
  /** Places on the way of the table's own writers: the version at which writers whose appId begins so were at a position. */
  readonly positions?: readonly { readonly writers: string; readonly position: number }[]
  /** SHA-256 of files that somebody has named, hexadecimal. */
  readonly digests?: ReadonlySet<string>
}

/** What vacuum takes from one table, and what it leaves. */
export interface VacuumPlan {
  readonly table: string
  /** Objects to delete, in the order of their keys; all of them are parts that we named ourselves. */
  readonly objects: readonly ObjectInfo[]
  /** Their size in bytes. */
  readonly bytes: number
  /** Versions that stay readable in full, ascending. */
  readonly kept: readonly number[]
}

const DIGITS_IN_NAME = 24

/**
 * The versions that stay: the newest, each that was the newest at some time since `youngerThanMs`, and those that are needed.
 * Ascending; what the log cannot tell any more is not among them.
 */
export function keptVersions(history: TableHistory, needs: TableNeeds, youngerThanMs: number): number[] {
  const { commits, oldest, newest } = history
  if (needs.everything) return Array.from({ length: newest - oldest + 1 }, (_, at) => oldest + at)
  const young = commits.find(({ atMs }) => atMs >= youngerThanMs)?.version ?? newest + 1
  const kept = new Set<number>([newest, ...(needs.versions ?? [])])
  for (let version = young - 1; version <= newest; version++) kept.add(version)
  for (const { writers, position } of needs.positions ?? []) {
    const version = versionAt(history, writers, position)
    if (version !== undefined) kept.add(version)
  }
  return [...kept].filter((version) => version >= oldest && version <= newest).sort((a, b) => a - b)
}

/**
 * Plans which data objects of a table go. Only parts that we named ourselves ever do, and only those that no kept version has, whose
 * digest nobody has named, and that have lain there for longer than the retention: what a running writer has stored and not
 * yet committed is young.
 * @param objects       all objects below the table that are not of its log
 * @param youngerThanMs what was stored or replaced since then stays, in ms of the store's clock
 */
export function planVacuum(
  table: string,
  history: TableHistory,
  objects: readonly ObjectInfo[],
  needs: TableNeeds,
  youngerThanMs: number,
): VacuumPlan {
  const kept = keptVersions(history, needs, youngerThanMs)
  const needed = new Set(
    history.stays
      .filter((stay) => overlaps(stay, kept) || needs.digests?.has(stay.sha256 ?? ''))
      .map(({ key }) => key),
  )
  const named = new Set([...(needs.digests ?? [])].map((digest) => digest.slice(0, DIGITS_IN_NAME)))
  const objectsToGo = objects.filter(({ key, modifiedAt }) => {
    const digest = digestInName(key)
    if (digest === undefined || modifiedAt.getTime() >= youngerThanMs || needs.everything) return false
    return !needed.has(key.slice(table.length + 1)) && !named.has(digest)
  })
  return { table, objects: objectsToGo, bytes: objectsToGo.reduce((sum, { size }) => sum + size, 0), kept }
}

/** True when one of the versions, ascending, lies in [from, until). */
function overlaps({ from, until }: { from: number; until: number }, versions: readonly number[]): boolean {
  let [low, high] = [0, versions.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((versions[middle] as number) < from) low = middle + 1
    else high = middle
  }
  const first = versions[low]
  return first !== undefined && first < until
}

/** The newest version at which writers were at a position and not yet beyond it. */
function versionAt({ moves, newest }: TableHistory, writers: string, position: number): number | undefined {
  const own = moves.filter(({ appId }) => appId.startsWith(writers)).sort((a, b) => a.version - b.version)
  const reached = own.filter((move) => move.position <= position).at(-1)
  if (reached === undefined) return undefined
  const beyond = own.find((move) => move.version > reached.version)
  return Math.min(newest, (beyond?.version ?? newest + 1) - 1)
}
