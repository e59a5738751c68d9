import { asWardbookError } from '../kernel/errors.js'
import { type Clock, systemClock } from '../kernel/time.js'
import { missingProperties } from '../lake/delta/properties.js'
import { DeltaTable } from '../lake/delta/table.js'
import { findTables, type TablePlace } from '../lake/find-tables.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { formatLakeFile, LAKE_FILE, LAKE_FORMAT, readLakeFile } from './claim-lake.js'

/** A table as a migration finds it. */
export interface FoundTable extends TablePlace {
  /** Its `metaData.configuration`. */
  readonly properties: Readonly<Record<string, string>>
  /** Live files that a commit removed and added. */
  readonly ambiguous: number
}

/** One thing to do, which may be done twice. */
export type MigrationStep =
  | {
      readonly kind: 'protect-table'
      readonly table: TablePlace
      /** Names of the properties that are set. */
      readonly properties: readonly string[]
      /** Files that are told again. */
      readonly restated: number
    }
  | { readonly kind: 'raise-format'; readonly from: number; readonly to: number }

/** From one format of a lake to the next. */
interface Migration {
  readonly from: number
  /** What is to be done to the tables; nothing when it has been done. Pure. */
  plan(tables: readonly FoundTable[]): MigrationStep[]
}

/**
 * Every migration, the oldest first. A new format adds one line here, and its steps stay right for tables that later lines have
 * changed: a killed migration begins again at the format that `lake.json` says.
 */
const MIGRATIONS: readonly Migration[] = [{ from: 1, plan: protectHistory }]

/** Races for a table that may be lost in a row: its writers commit a few times a minute at most. */
const MAX_TRIES = 100

/** What a migration has to do, or has done. */
export interface MigrationReport {
  /** Format that `lake.json` said, and the newest. */
  readonly from: number
  readonly to: number
  /** In the order in which they are done. Empty: the lake has the newest format already. */
  readonly steps: readonly MigrationStep[]
}

/** How a lake is migrated. */
export interface MigrateOptions {
  /** True: tell the steps, and do none of them. */
  readonly dryRun?: boolean
  readonly clock?: Clock
}

/**
 * Brings a lake of an earlier release to the format of this one. Rows, files and positions stay as they are.
 *
 * The plan is made from the tables themselves, and `lake.json` comes last: a migration that was killed anywhere, or runs beside
 * another, ends in the same lake. On a lake of the newest format it does what a run of an earlier release, still under way
 * while the lake was migrated, has left undone; most often that is nothing.
 * @param store unscoped; each step takes the handle of its table's owner
 * @throws WardbookError 'lake-newer-format' (fix-config), 'lake-file-broken' (fix-source), and those of the tables
 */
export async function migrateLake(
  store: ObjectStore,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  const { formatVersion: from } = await readLakeFile(store)
  const steps = planMigration(from, await readTables(store))
  if (options.dryRun !== true) {
    for (const step of steps) await takeStep(store, step, options.clock ?? systemClock)
  }
  return { from, to: LAKE_FORMAT, steps }
}

/** The steps from a format to the newest. The last migration is always looked at, see {@link migrateLake}. Pure. */
export function planMigration(from: number, tables: readonly FoundTable[]): MigrationStep[] {
  const due = MIGRATIONS.filter((migration) => migration.from >= Math.min(from, LAKE_FORMAT - 1))
  const steps = due.flatMap((migration) => migration.plan(tables))
  return from < LAKE_FORMAT ? [...steps, { kind: 'raise-format', from, to: LAKE_FORMAT }] : steps
}

/**
 * Format 2: other engines are told to leave the history of our tables alone, and no live file is named twice by the commit that
 * added it, as they would not see it. Tables of other writers are not touched.
 */
function protectHistory(tables: readonly FoundTable[]): MigrationStep[] {
  return tables.flatMap(({ root, owner, properties, ambiguous }): MigrationStep[] => {
    const missing = missingProperties(properties)
    if (missing === undefined) return []
    const table = { root, owner }
    return [{ kind: 'protect-table', table, properties: Object.keys(missing), restated: ambiguous }]
  })
}

async function readTables(store: ObjectStore): Promise<FoundTable[]> {
  const found: FoundTable[] = []
  for (const { root, owner } of await findTables(store)) {
    const table = new DeltaTable(scopeTo(owner, store), root)
    const snapshot = await table.snapshot()
    if (snapshot === undefined) continue
    const properties = snapshot.metaData.configuration
    const isOld = missingProperties(properties) !== undefined
    const ambiguous = isOld ? (await table.ambiguousFiles(snapshot)).length : 0
    found.push({ root, owner, properties, ambiguous })
  }
  return found
}

async function takeStep(store: ObjectStore, step: MigrationStep, clock: Clock): Promise<void> {
  if (step.kind === 'raise-format') await raiseFormat(store, step.to)
  else await protectTable(store, step.table, clock)
}

/** One commit that changes no row. What lacks is asked again at each try: another may have been faster. */
async function protectTable(
  store: ObjectStore,
  { root, owner }: TablePlace,
  clock: Clock,
  tries = 1,
): Promise<void> {
  const table = new DeltaTable(scopeTo(owner, store), root, clock)
  const base = await table.snapshot()
  const properties = base && missingProperties(base.metaData.configuration)
  if (base === undefined || properties === undefined) return
  const restates = await table.ambiguousFiles(base)
  try {
    await table.commit(base, { operation: 'SET TBLPROPERTIES', properties, restates })
  } catch (thrown) {
    if (asWardbookError(thrown).code !== 'commit-conflict' || tries >= MAX_TRIES) throw thrown
    await protectTable(store, { root, owner }, clock, tries + 1)
  }
}

/**
 * Says the new format, as the last step: from here on earlier releases refuse the lake by name.
 *
 * `lake.json` is replaced, which the store promises only for what may be stale. It may: whoever still reads the old format here
 * is either this release, which then refuses to write and names this command, and that finds nothing to do but to say the
 * format again; or an earlier release, which goes on as it did, as every migration leaves tables that the release before can
 * read and write. The format is read again first, so that a slow migration never lowers what a later one has said.
 */
async function raiseFormat(store: ObjectStore, to: number): Promise<void> {
  const lakeFile = await readLakeFile(store)
  if (lakeFile.formatVersion >= to) return
  await scopeTo('main', store).put(LAKE_FILE, formatLakeFile({ ...lakeFile, formatVersion: to }))
}
