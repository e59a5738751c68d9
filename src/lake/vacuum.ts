import { type LogCleaning, planCleanLog } from './delta/clean-log.js'
import { readHistory } from './delta/history.js'
import { parquetCheckpoints } from './duckdb/checkpoint-file.js'
import type { ObjectInfo, ObjectStore } from './store.js'
import { isLogCleaned } from './tend-table.js'
import { planVacuum, type TableNeeds, type VacuumPlan } from './vacuum-plan.js'

/** What goes from one table: data files, and the log below a checkpoint where old versions are nobody's. */
export interface TableVacuum extends VacuumPlan {
  readonly log: LogCleaning
}

const LOG = '/_delta_log/'

/** Below these lie tables. */
const TABLE_PREFIXES = [
  'raw',
  'quarantine',
  'tidy',
  'series',
  'runs',
  'outbox',
  'findings',
  'links',
  'features',
  'power',
]

/** Places of all tables of a lake, ascending. @param store a handle that may list the prefixes of tables */
export async function findTables(store: ObjectStore): Promise<string[]> {
  const roots = new Set<string>()
  for (const prefix of TABLE_PREFIXES) {
    for await (const { key } of store.list(`${prefix}/`)) {
      const at = key.indexOf(LOG)
      if (at >= 0) roots.add(key.slice(0, at))
    }
  }
  return [...roots].sort()
}

/**
 * Plans what vacuum takes from a table. Writes nothing. Memory: some hundred bytes an object.
 * @param needs         what must stay beside the newest version and the retention
 * @param youngerThanMs what was stored or replaced since then stays, in ms of the store's clock
 * @returns undefined when there is no such table
 * @throws WardbookError 'delta-log-gap', 'delta-log-broken' (fix-source): from a log that cannot be read whole nothing is taken
 */
export async function planTableVacuum(
  store: ObjectStore,
  root: string,
  needs: TableNeeds,
  youngerThanMs: number,
): Promise<TableVacuum | undefined> {
  const history = await readHistory(store, root, parquetCheckpoints)
  if (history === undefined) return undefined
  const plan = planVacuum(root, history, await dataObjects(store, root), needs, youngerThanMs)
  const log = isLogCleaned(root)
    ? await planCleanLog(store, root, { youngerThanMs, versions: needs.versions ?? [] }, parquetCheckpoints)
    : { cut: undefined, keys: [] }
  return { ...plan, log }
}

/**
 * Deletes what a plan names: data files first, then the log. A kill at any moment leaves every kept version readable, and the next
 * vacuum plans the rest.
 * @param store the handle of the table's owner
 */
export async function vacuumTable(store: ObjectStore, { objects, log }: TableVacuum): Promise<void> {
  for (const { key } of objects) await store.delete(key)
  for (const key of log.keys) await store.delete(key)
}

/** Objects below a table, without its log and without tables that lie inside it. */
async function dataObjects(store: ObjectStore, root: string): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = []
  const inner = new Set<string>()
  for await (const info of store.list(`${root}/`)) {
    const at = info.key.indexOf(LOG)
    if (at < 0) found.push(info)
    else if (at > root.length) inner.add(`${info.key.slice(0, at)}/`)
  }
  return inner.size === 0
    ? found
    : found.filter(({ key }) => ![...inner].some((folder) => key.startsWith(folder)))
}
