import { mayAccess, OWNERS, type Owner, PREFIXES, scopeTo } from './prefixes.js'
import type { ObjectStore } from './store.js'

/** A table of a lake, and who may write it. */
export interface TablePlace {
  readonly root: string
  readonly owner: Owner
}

const LOG_FOLDER = '/_delta_log/'
/** Prefixes whose objects are no tables: they are not listed, and `private/` is not even looked at. */
const WITHOUT_TABLES: readonly string[] = ['spool', 'ledger', 'inbox', 'private']

/**
 * All tables below a base path, ascending by root. Lists every object of the prefixes that hold tables, each with a handle of one
 * of its writers.
 * @param store unscoped
 */
export async function findTables(store: ObjectStore): Promise<TablePlace[]> {
  const roots = new Set<string>()
  for (const [folder, writer] of tableFolders()) {
    for await (const { key } of scopeTo(writer, store).list(`${folder}/`)) {
      const at = key.indexOf(LOG_FOLDER)
      if (at >= 0) roots.add(key.slice(0, at))
    }
  }
  return [...roots].sort().flatMap((root) => {
    const owner = OWNERS.find((candidate) => mayAccess(candidate, `${root}${LOG_FOLDER}0`, 'write'))
    return owner === undefined ? [] : [{ root, owner }]
  })
}

/** First parts of the keys of tables, each once, with a writer of what lies there. */
function tableFolders(): Map<string, Owner> {
  const rules = PREFIXES.filter(({ prefix }) => prefix.endsWith('/'))
  const folders = rules.map(({ prefix, writers }) => [prefix.split('/')[0], writers[0]] as [string, Owner])
  return new Map(folders.filter(([folder]) => !WITHOUT_TABLES.includes(folder)))
}
