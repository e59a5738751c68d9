import type { Column } from '../../src/contracts/columns.js'
import type { LiveFile, Snapshot } from '../../src/lake/delta/snapshot.js'
import { type Change, DeltaTable, type NewFile } from '../../src/lake/delta/table.js'
import { LEAN, withEngine } from '../../src/lake/duckdb/engine.js'
import { type PlainRow, writeRows } from '../../src/lake/duckdb/rows.js'
import { putPart } from '../../src/lake/parts.js'
import { schemaChange } from '../../src/lake/schema-change.js'
import type { ObjectStore } from '../../src/lake/store.js'
import { AWKWARD_DIVISIONS } from './cities.js'

/** The table of {@link writeHistory}. */
export const HISTORY_TABLE = 'tidy/history'
/** Its last version: two checkpoints, and some commits after them. */
export const LAST_VERSION = 45

const STORED: readonly Column[] = [
  { name: 'id', type: 'long' },
  { name: 'n', type: 'integer' },
  { name: 'share', type: 'double' },
  { name: 'ok', type: 'boolean' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'timestamp' },
  { name: 'note', type: 'string' },
]
const ADDED: Column = { name: 'added later', type: 'string' }
const PARTITION = 'ward'
const ROWS_A_COMMIT = 3

/** Delta reads an empty text as null there; ingest never writes one. */
const DIVISIONS = AWKWARD_DIVISIONS.filter((division) => division !== '')
const NOTES = ['', 'plain', 'ümlaut "quoted"\nnew line', '東京 🏙', null]
const SHARES = [0, -0.1, 1e300, 5e-324, 1 / 3, null]
/** As far as ClickHouse's types go. */
const DAYS = ['1900-01-01', '1969-12-31', '2024-02-29', '2299-12-31', null]
const INSTANTS = ['1969-12-31T23:59:59.999999Z', '2026-03-08T07:30:00.000001Z', '1900-01-01T00:00:00Z', null]

/** What single commits do; all others append rows to one division. A compaction has its place here. */
const SPECIAL: Readonly<Record<number, (table: DeltaTable, base: Snapshot) => Promise<Change>>> = {
  8: async () => ({ operation: 'MOVE', positions: [{ appId: 'history', version: 8 }] }),
  21: async (_table, base) => replaceByItself([...base.files.values()].at(-1) as LiveFile),
  30: rewriteDivision,
  33: async (table, base) => ({
    ...(await appendRows(table, base)),
    ...schemaChange(base, [...STORED, ADDED], [PARTITION]),
  }),
  36: async () => ({ operation: 'SET TBLPROPERTIES', properties: { 'wardbook.note': 'set' } }),
}

/**
 * Makes a table of all types that we write, one commit after another, in divisions of awkward names: appended, rewritten, replaced
 * by itself, with one more column, and with properties alone.
 * @param after is told of each version once it is there
 */
export async function writeHistory(
  store: ObjectStore,
  after: (version: number) => Promise<void>,
): Promise<void> {
  const table = new DeltaTable(store, HISTORY_TABLE)
  await table.commit(undefined, { operation: 'CREATE', ...schemaChange(undefined, STORED, [PARTITION]) })
  await after(0)
  for (let version = 1; version <= LAST_VERSION; version++) {
    const base = (await table.snapshot()) as Snapshot
    await table.commit(base, await (SPECIAL[version] ?? appendRows)(table, base))
    await after(version)
  }
}

async function appendRows(table: DeltaTable, base: Snapshot): Promise<Change> {
  return { operation: 'WRITE', adds: [await writePart(table, base)] }
}

/** The division has files from a round before. */
async function rewriteDivision(table: DeltaTable, base: Snapshot): Promise<Change> {
  const removes = [...base.files.values()].filter((file) => file.partition[PARTITION] === nextDivision(base))
  if (removes.length === 0) throw new Error('the rewritten division has no file')
  return { operation: 'WRITE', adds: [await writePart(table, base)], removes }
}

/** Equal rows make equal files: a division that is worked again often replaces a file by itself. */
function replaceByItself(file: LiveFile): Change {
  const { key, size, rows = 0, action, tags } = file
  const { sha256, uncompressedBytes, ...rest } = tags as Record<string, string>
  const add: NewFile = {
    ...{ key, size, rows, partition: file.partition as Record<string, string>, tags: rest },
    ...{ sha256: sha256 ?? '', uncompressedBytes: Number(uncompressedBytes), stats: action.stats ?? '' },
  }
  return { operation: 'WRITE', removes: [file], adds: [add] }
}

async function writePart({ store, root }: DeltaTable, base: Snapshot): Promise<NewFile> {
  const version = base.version + 1
  const columns = base.columns.filter(({ name }) => name !== PARTITION)
  const rows = Array.from({ length: ROWS_A_COMMIT }, (_, row) => rowOf(version * ROWS_A_COMMIT + row))
  const scratch = await store.scratch()
  try {
    const finished = await withEngine(LEAN, scratch.folder, (engine) =>
      writeRows(engine, scratch.folder, 'part', rows, columns, { [PARTITION]: nextDivision(base) }),
    )
    return await putPart(store, root, version, finished as NonNullable<typeof finished>)
  } finally {
    await scratch.remove()
  }
}

function nextDivision({ version }: Snapshot): string {
  return DIVISIONS[(version + 1) % DIVISIONS.length] as string
}

function rowOf(index: number): PlainRow {
  const pick = <Value>(list: readonly Value[]) => list[index % list.length] as Value
  return {
    id: index * 2 ** 45,
    n: index % 4 === 3 ? null : index - 60,
    share: pick(SHARES),
    ok: pick([true, false, null]),
    day: pick(DAYS),
    at: pick(INSTANTS),
    note: pick(NOTES),
    [ADDED.name]: pick(NOTES),
  }
}
