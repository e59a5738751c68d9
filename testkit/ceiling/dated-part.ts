import type { PortalCell, PortalTable } from '../../src/demo/portals/portal-table.js'
import { startSocrataPortal } from '../../src/demo/portals/socrata/socrata-portal.js'
import { DeltaTable } from '../../src/lake/delta/table.js'
import { tables } from '../../src/lake/tables.js'
import type { TestLake } from '../lake-fixture.js'
import { DATASET, ingest, SOURCE, testCity } from '../test-city.js'
import type { CeilingRunner } from './ceiling-runner.js'
import { textOf } from './shapes.js'

const ID = 'abcd-1234'
const COLUMNS = ['id', 'District', 'Type', 'Opened', 'Note']
/** As in `shapes.ts`: so many rows of this length are nearly all that a part may hold. */
const RECORD_BYTES = 252
const FIRST = Date.UTC(2026, 0, 1)
const WEEK_MS = 7 * 86_400_000

/** What was asked of the portal for one read. */
interface Cost {
  readonly requests: number
  readonly bytes: number
  readonly seconds: number
}

/** What a read of changed rows came to, beside the full read before it. */
export interface DatedPartTrial {
  readonly full: Cost
  readonly changed: Cost
  /** What is wrong; undefined when nothing is. */
  readonly wrong: string | undefined
}

/**
 * A part as large as there can be, at a portal that dates its rows: read in full, then every 50th row edited and each 1,000th deleted, and read
 * again by its changes and keys.
 * @param rows of the first publication, all of one division
 */
export async function readDatedPart(
  lake: TestLake,
  runner: CeilingRunner,
  rows: number,
): Promise<DatedPartTrial> {
  let isEdited = false
  let bytes = 0
  const count = (length: number) => {
    bytes += length
  }
  const table = () => tableOf(rows, isEdited)
  const portal = await startSocrataPortal(
    () => [table()],
    {},
    {
      alter: (_request, answer) => ({
        ...answer,
        body: counted(answer.body, count),
      }),
    },
  )
  const city = testCity({
    source: { family: 'socrata', portal: portal.url, datasets: [ID] },
    dataset: { key: 'id' },
  })
  const read = async (): Promise<Cost> => {
    const [requests, began] = [portal.requests.length, Date.now()]
    bytes = 0
    await ingest(lake.store, city, { runner })
    return { requests: portal.requests.length - requests, bytes, seconds: (Date.now() - began) / 1_000 }
  }
  try {
    runner.shape = 'a dated part, read in full'
    const full = await read()
    isEdited = true
    runner.shape = 'a dated part, read by its changes'
    const changed = await read()
    return { full, changed, wrong: await whatIsWrong(lake, table()) }
  } finally {
    await portal.close()
  }
}

async function whatIsWrong(lake: TestLake, table: PortalTable): Promise<string | undefined> {
  const raw = new DeltaTable(lake.store, tables.raw(DATASET, SOURCE))
  const snapshot = await raw.snapshot()
  const rows = [...(snapshot?.files.values() ?? [])].reduce((sum, file) => sum + (file.rows ?? 0), 0)
  const record = snapshot === undefined ? undefined : await raw.commitRecord(snapshot.version)
  if (record?.provenance.incremental === undefined) return 'the second read was a full one'
  return rows === table.rowCount ? undefined : `${rows} rows, not ${table.rowCount}`
}

function tableOf(rows: number, isEdited: boolean): PortalTable {
  const isGone = (row: number) => isEdited && row % 1_000 === 999
  const kept = isEdited ? Array.from({ length: rows }, (_none, row) => row).filter((row) => !isGone(row)) : []
  const rowAt = (index: number) => (isEdited ? (kept[index] as number) : index)
  return {
    ...{ id: ID, name: 'Requests', keyColumn: 'id', updatedAt: isEdited ? FIRST + WEEK_MS : FIRST },
    columns: COLUMNS.map((name) => ({ name, type: 'text' })),
    rowCount: isEdited ? kept.length : rows,
    row: (index) => cellsOf(rowAt(index), isEdited && rowAt(index) % 50 === 0),
    rowId: rowAt,
    rowUpdatedAt: (index) => (isEdited && rowAt(index) % 50 === 0 ? FIRST + WEEK_MS : FIRST - WEEK_MS),
  }
}

function cellsOf(row: number, isEdited: boolean): PortalCell[] {
  const cells = [String(row).padStart(9, '0'), '1', `Type ${row % 50}`, '2024-05-06']
  const taken = cells.reduce((sum, cell) => sum + cell.length + 3, 2)
  const note = textOf(row, RECORD_BYTES - taken)
  return [...cells, isEdited ? `${note.slice(0, -8)}--edited` : note]
}

function* counted(body: Iterable<string | Uint8Array>, tell: (bytes: number) => void) {
  for (const piece of body) {
    tell(Buffer.byteLength(piece))
    yield piece
  }
}
