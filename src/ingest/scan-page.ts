import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { cellsOf, formatRecord } from '../sources/files/csv-records.js'
import { isGzip, isSimpleGzip } from '../sources/files/decompress.js'
import { type CsvReading, type CsvSummary, readCsv } from '../sources/files/read-csv.js'
import type { SpooledPage } from './spool.js'

/** A spooled page after it was counted: what the engine is to read, and how many rows it must find. */
export interface ScannedPage {
  /** Number of the page over all offers of the source, from 0. */
  readonly page: number
  readonly spooled: SpooledPage
  readonly summary: CsvSummary
  /** Lines of JSON with the bad rows, in scratch; undefined when there are none. */
  readonly badRows: string | undefined
  /** What the engine is to read: the body itself, or a rewritten copy in scratch. */
  readonly input: EngineInput
}

/** CSV that any strict reader takes the same way. */
export interface EngineInput {
  /** File in scratch; undefined: the spooled body itself. */
  readonly copy: string | undefined
  readonly delimiter: string
  readonly gzip: boolean
  /** True where an empty cell without quotes is a null, and one with quotes an empty text. */
  readonly hasNulls: boolean
}

/** A page to scan. */
export interface Scanning {
  readonly spooled: SpooledPage
  readonly page: number
  /** The spooled body as a local file. */
  readonly file: string
  /** Local folder for bad rows and copies. */
  readonly folder: string
  /** Header name of the column with the division. */
  readonly partitionColumn: string
}

/**
 * Counts and checks every row of a page in constant memory and sets bad rows aside. Where the body is not plain CSV (another format, bad rows, blank
 * lines, bare quotes, mixed line ends, gzip of several members) the good rows are written anew for the engine.
 * @throws the errors of `readCsv` and of the decoder
 */
export async function scanPage(decoded: DecodedPage, scanning: Scanning): Promise<ScannedPage> {
  const { spooled, page, folder, file, partitionColumn } = scanning
  const reading: CsvReading = {
    delimiter: decoded.delimiter,
    partitionColumn,
    file: spooled.record.request.url,
  }
  const badFile = join(folder, 'bad.ndjson')
  const summary = await scanInto(badFile, decoded, reading)
  const badRows = summary.badRows > 0 ? badFile : undefined
  const direct =
    decoded.form === 'native' && summary.isPlain ? await readableAs(file, summary.bytes) : undefined
  if (direct !== undefined) {
    const input = { copy: undefined, delimiter: decoded.delimiter, gzip: direct === 'gzip', hasNulls: false }
    return { page, spooled, summary, badRows, input }
  }
  const copy = join(folder, 'copy.csv')
  await rewrite(copy, summary, decoded, reading)
  const hasNulls = decoded.form === 'strict'
  return { page, spooled, summary, badRows, input: { copy, delimiter: ',', gzip: false, hasNulls } }
}

/** Whether the engine can read the body itself: the scan has seen just these bytes, or what their gzip holds. */
async function readableAs(file: string, scannedBytes: number): Promise<'plain' | 'gzip' | undefined> {
  const { size } = await stat(file)
  const handle = await open(file, 'r')
  try {
    const start = (await handle.read(Buffer.alloc(10), 0, 10, 0)).buffer
    if (!isGzip(start)) return size === scannedBytes ? 'plain' : undefined
    const end = (await handle.read(Buffer.alloc(4), 0, 4, size - 4)).buffer
    return isSimpleGzip(start, end, scannedBytes) ? 'gzip' : undefined
  } finally {
    await handle.close()
  }
}

async function scanInto(badFile: string, decoded: DecodedPage, reading: CsvReading): Promise<CsvSummary> {
  const handle = await open(badFile, 'w')
  try {
    return await readCsv(decoded.open(), reading, {
      onBad: async (row) => {
        await handle.writeFile(`${JSON.stringify(row)}\n`)
      },
    })
  } finally {
    await handle.close()
  }
}

/** The good rows as strict CSV; the header by numbers, for nobody reads it. What is strict already is copied row by row. */
async function rewrite(
  copy: string,
  summary: CsvSummary,
  decoded: DecodedPage,
  reading: CsvReading,
): Promise<void> {
  const out = createWriteStream(copy)
  out.write(formatRecord(summary.header.map((_cell, at) => String(at))))
  const drained = async () => void (await once(out, 'drain'))
  await readCsv(decoded.open(), reading, {
    onGood: (record) => {
      const text = Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('utf8')
      const row = decoded.form === 'strict' ? `${text}\n` : formatRecord(cellsOf(text, reading.delimiter))
      return out.write(row) ? undefined : drained()
    },
  })
  await finished(out.end())
}
