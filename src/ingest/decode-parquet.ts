import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { writeParquetAsText } from '../lake/duckdb/parquet-text.js'
import type { DecodeParquet } from '../sources/decode/decode-file.js'

/**
 * Reads Parquet with the lake's engine, in its bounded memory: the table is written as text into the scratch folder once. For `decodePageWith`.
 * @throws WardbookError 'engine-failed' (report-bug) for a file that only begins like Parquet
 */
export const decodeParquet: DecodeParquet = (body, scratch) =>
  withEngine(LEAN, scratch, async (engine) => {
    const csv = join(scratch, `parquet-${randomUUID()}.csv`)
    const { columns, rows, lastRow } = await writeParquetAsText(engine, body.file, csv)
    return {
      form: 'strict',
      delimiter: ',',
      columns,
      open: () => createReadStream(csv, { highWaterMark: 256 * 1024 }),
      signals: { rows, columns, envelope: {}, lastRow },
    }
  })
