import { join } from 'node:path'
import { QUARANTINE_COLUMNS, UNASSIGNED } from '../contracts/columns.js'
import type { NewFile } from '../lake/delta/table.js'
import { type Engine, LEAN, withEngine } from '../lake/duckdb/engine.js'
import { literal, PARQUET_OPTIONS } from '../lake/duckdb/sql.js'
import { writeParquet } from '../lake/duckdb/write.js'
import { putPart } from '../lake/parts.js'
import type { ObjectStore } from '../lake/store.js'
import type { QuarantineJob } from './write-job.js'

/** Longest line of the bad rows: a row of the longest length, each byte escaped. */
const MAX_LINE_BYTES = 16_777_216

/** Worker: writes the bad rows of a source as one part of its quarantine table, in the order of the source. */
export async function writeQuarantine(store: ObjectStore, job: QuarantineJob): Promise<NewFile[]> {
  const scratch = await store.scratch()
  try {
    return await withEngine(LEAN, scratch.folder, async (engine) => {
      const partition = { [job.partitionColumn]: UNASSIGNED }
      const order = 'source_page, byte_offset'
      const rows = await unsortedSql(engine, scratch.folder, job.badRows)
      const finished = await writeParquet(
        engine,
        scratch.folder,
        'quarantine',
        rows,
        QUARANTINE_COLUMNS,
        partition,
        order,
      )
      return finished === undefined ? [] : [await putPart(store, job.table, job.snapshot, finished)]
    })
  } finally {
    await scratch.remove()
  }
}

/**
 * The bad rows as Parquet in the scratch folder: the reader of JSON holds buffers of the longest line, which leaves no room to sort more than
 * about 60 MiB.
 */
async function unsortedSql(engine: Engine, folder: string, badRows: string): Promise<string> {
  const file = literal(join(folder, 'unsorted.parquet'))
  await engine.run(`COPY (${badRowsSql(badRows)}) TO ${file} (${PARQUET_OPTIONS})`)
  return `SELECT * FROM read_parquet(${file}, hive_partitioning = false)`
}

function badRowsSql(file: string): string {
  return (
    `SELECT reason, detail, url AS source_file, page AS source_page, line, "byteOffset" AS byte_offset, ` +
    `NULL::BIGINT AS row_hash, "rawText" AS raw_text ` +
    `FROM read_json(${literal(file)}, format = 'newline_delimited', maximum_object_size = ${MAX_LINE_BYTES}, columns = ` +
    `{page: 'INTEGER', url: 'VARCHAR', reason: 'VARCHAR', detail: 'VARCHAR', line: 'BIGINT', "byteOffset": 'BIGINT', ` +
    `"rawText": 'VARCHAR'})`
  )
}
